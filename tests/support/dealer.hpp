// A client that keeps many requests in flight: a frame of its own before the delimiter says which
// request a reply answers.
#pragma once

#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <zmq.hpp>

#include "tests/support/frames.hpp"

namespace blocky::test {

struct Answer {
    std::string tag;
    nlohmann::json body;

    std::string code() const { return body.value("code", body.value("status", "")); }
    bool ok() const { return body["status"] == "ok"; }
};

class Dealer {
public:
    Dealer(zmq::context_t& context, const std::string& endpoint)
        : socket_(context, zmq::socket_type::dealer) {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.connect(endpoint);
    }

    void send(const std::string& tag, const std::string& body) {
        send_frames(socket_, {tag, "", body});
    }
    // Pushes a value under the tag as its id.
    void push(const std::string& tag, const std::string& value = "1") {
        send(tag, R"({"value":)" + value + R"(,"id":")" + tag + "\"}");
    }
    void send_raw(const Frames& frames) { send_frames(socket_, frames); }

    Frames reply_frames() {
        auto frames = receive_frames(socket_);
        REQUIRE(frames);
        return *frames;
    }
    // The next reply, whatever request it answers.
    Answer reply() {
        const auto frames = reply_frames();
        REQUIRE(frames.size() == 3);
        REQUIRE(frames[1].empty());
        return {frames[0], nlohmann::json::parse(frames[2])};
    }
    // The next reply, which must answer that request.
    Answer reply_to(const std::string& tag) {
        auto answer = reply();
        CAPTURE(answer.body.dump());
        REQUIRE(answer.tag == tag);
        return answer;
    }
    // Everything sent so far has reached the batcher, and nothing of it has been answered that was
    // not received: replies to one client keep their order.
    void sync() {
        send("sync", "no JSON");
        CHECK(reply_to("sync").code() == "bad_request");
    }

private:
    zmq::socket_t socket_;
};

}  // namespace blocky::test
