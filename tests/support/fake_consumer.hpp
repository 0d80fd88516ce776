// A consumer that the test plays by hand: a ROUTER that shows what arrives and answers what, when
// and how often the test says.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <zmq.hpp>

#include "tests/support/frames.hpp"

namespace blocky::test {

struct Arrived {
    Frames envelope;
    std::string body;

    std::string connection() const { return envelope.front(); }
    std::string id() const { return nlohmann::json::parse(body).value("id", ""); }
    // Of all messages, be it a bundle or not.
    std::vector<std::string> ids() const {
        const auto request = nlohmann::json::parse(body);
        std::vector<std::string> ids;
        for (const auto& message : request.value("messages", nlohmann::json::array({request}))) {
            ids.push_back(message.value("id", ""));
        }
        return ids;
    }
};

class FakeConsumer {
public:
    explicit FakeConsumer(const std::string& endpoint = "tcp://127.0.0.1:*")
        : socket_(context_, zmq::socket_type::router) {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.bind(endpoint);
        endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
    }

    const std::string& endpoint() const { return endpoint_; }

    Arrived receive() {
        auto arrived = receive_within(kDeadline);
        REQUIRE(arrived);
        return std::move(*arrived);
    }
    std::optional<Arrived> receive_within(std::chrono::milliseconds wait) {
        auto frames = receive_frames(socket_, wait);
        if (!frames) {
            return std::nullopt;
        }
        REQUIRE(frames->size() >= 3);  // routing id, delimiter and body at least
        Arrived arrived{{}, std::move(frames->back())};
        frames->pop_back();
        REQUIRE(frames->back().empty());
        arrived.envelope = std::move(*frames);
        return arrived;
    }
    bool is_silent_for(std::chrono::milliseconds wait) {
        return !receive_frames(socket_, wait).has_value();
    }

    void reply(const Arrived& arrived, const std::string& body) { reply(arrived, Frames{body}); }
    void reply(const Arrived& arrived, const Frames& body) {
        auto frames = arrived.envelope;
        frames.insert(frames.end(), body.begin(), body.end());
        send_frames(socket_, frames);
    }
    void acknowledge(const Arrived& arrived) {
        reply(arrived, R"({"status":"ok","id":")" + arrived.id() + R"(","batch":7,"size":1})");
    }
    void acknowledge_bundle(const Arrived& arrived) {
        reply(arrived, R"({"status":"ok","count":)" + std::to_string(arrived.ids().size()) +
                           R"(,"batch":7,"size":9})");
    }
    void fail(const Arrived& arrived, const std::string& code, bool retry,
              const std::string& more = {}) {
        reply(arrived, R"({"status":"error","id":")" + arrived.id() + R"(","code":")" + code +
                           R"(","message":"so it is","retry":)" + (retry ? "true" : "false") +
                           more + "}");
    }

private:
    zmq::context_t context_;  // its own: once it is gone every connection is closed
    zmq::socket_t socket_;
    std::string endpoint_;
};

}  // namespace blocky::test
