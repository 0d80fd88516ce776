// Envelopes, endpoints and broken requests on real sockets.
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "consumer/router.hpp"
#include "tests/support/dealer.hpp"
#include "tests/support/running_router.hpp"

namespace blocky::test {
namespace {

zmq::socket_t connected_req(RunningRouter& router, bool correlate) {
    zmq::socket_t socket(router.context(), zmq::socket_type::req);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::req_correlate, correlate);
    socket.connect(router.endpoint());
    return socket;
}

TEST_CASE("a REQ socket gets its reply, with and without correlation") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(2));
    auto plain = connected_req(router, false);
    auto correlated = connected_req(router, true);
    for (int i = 0; i < 3; ++i) {
        send_frames(plain, {R"({"value":1})"});
        send_frames(correlated, {R"({"value":2})"});
        for (auto* const socket : {&plain, &correlated}) {
            const auto frames = receive_frames(*socket);
            REQUIRE(frames);
            REQUIRE(frames->size() == 1);
            CHECK(nlohmann::json::parse(frames->front())["size"] == 2);
        }
    }
}

TEST_CASE("every frame before the delimiter comes back untouched, up to 16 with it") {
    FakeSink sink;
    RunningRouter router(sink);
    Dealer client(router.context(), router.endpoint());
    Frames envelope;
    for (std::size_t frames = 0; frames <= 15; ++frames) {
        auto request = envelope;
        request.insert(request.end(), {"", R"({"value":1})"});
        client.send_raw(request);
        auto reply = client.reply_frames();
        REQUIRE(reply.size() == request.size());
        CHECK(nlohmann::json::parse(reply.back())["status"] == "ok");
        reply.back() = request.back();
        CHECK(reply == request);
        envelope.emplace_back(frames * 50 + 1, static_cast<char>(frames));
    }
}

TEST_CASE("what has no delimiter in its place is dropped and counted, and nobody minds") {
    FakeSink sink;
    RunningRouter router(sink);
    Dealer client(router.context(), router.endpoint());
    client.send_raw({R"({"value":1})"});
    client.send_raw(Frames(10'000, "frame"));
    Frames late(16, "x");
    late.insert(late.end(), {"", R"({"value":1})"});
    client.send_raw(late);
    client.sync();
    router.stop();
    CHECK(router.finished());
    CHECK(router.metrics().unanswerable == 3);
    CHECK(router.metrics().errors.at(static_cast<std::size_t>(ErrorCode::kBadRequest)) == 1);
}

TEST_CASE("no body and more than one are a bad request") {
    FakeSink sink;
    RunningRouter router(sink);
    Dealer client(router.context(), router.endpoint());
    client.send_raw({"none", ""});
    CHECK(client.reply_to("none").code() == "bad_request");
    client.send_raw({"two", "", R"({"value":1})", R"({"value":2})"});
    CHECK(client.reply_to("two").code() == "bad_request");
    Frames many(10'000, R"({"value":1})");
    many.insert(many.begin(), {"many", ""});
    client.send_raw(many);
    CHECK(client.reply_to("many").code() == "bad_request");
    client.send_raw({"empty", "", ""});
    CHECK(client.reply_to("empty").code() == "bad_request");
}

TEST_CASE("a bad message leaves the open batch and everybody in it alone") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(2));
    Dealer good(router.context(), router.endpoint());
    Dealer bad(router.context(), router.endpoint());
    good.push("a");
    good.sync();
    const std::string deep = R"({"value":)" + std::string(10'000, '[') + std::string(10'000, ']');
    const std::vector<std::string> bodies{"",
                                          std::string(5, '\0'),
                                          "\xFF\xFE",
                                          "{}",
                                          deep + "}",
                                          R"({"value":1e999})",
                                          R"({"value":NaN})",
                                          R"({"value":1,"value":2})",
                                          R"({"value":1,"id":"a","id":"b"})"};
    for (const auto& body : bodies) {
        bad.send("x", body);
        const auto answer = bad.reply_to("x");
        CHECK(answer.code() == "bad_request");
        CHECK(answer.body["retry"] == false);
    }
    good.push("b");
    CHECK(good.reply_to("a").body["size"] == 2);
    CHECK(good.reply_to("b").ok());
}

TEST_CASE("several endpoints, tcp and ipc, serve the same batches") {
    const TemporaryDirectory directory;
    FakeSink sink;
    auto options = batches_of(2);
    options.bind = {"tcp://127.0.0.1:*", "ipc://" + directory.file("socket")};
    RunningRouter router(sink, options);
    CHECK(router.endpoint(0).starts_with("tcp://127.0.0.1:"));
    CHECK_FALSE(router.endpoint(0).ends_with(":*"));
    CHECK(router.endpoint(1) == options.bind[1]);
    Dealer tcp(router.context(), router.endpoint(0));
    Dealer ipc(router.context(), router.endpoint(1));
    tcp.push("a");
    ipc.push("b");
    CHECK(tcp.reply_to("a").body["size"] == 2);
    CHECK(ipc.reply_to("b").body["size"] == 2);
}

TEST_CASE("what could never be held is too large, whichever limit is the lowest") {
    auto small_batch = batches_of(1);
    small_batch.batcher.max_bytes = 50;
    auto small_hold = batches_of(1);
    small_hold.batcher.max_held_bytes = 50;
    auto small_message = batches_of(1);
    small_message.max_message_bytes = 50;
    for (const auto& options : {small_batch, small_hold, small_message}) {
        FakeSink sink;
        RunningRouter router(sink, options);
        Dealer client(router.context(), router.endpoint());
        client.send("over", R"({"value":")" + std::string(50, 'x') + "\"}");
        CHECK(client.reply_to("over").code() == "too_large");
        client.send("under", R"({"value":1})");
        CHECK(client.reply_to("under").ok());
    }
}

TEST_CASE("an endpoint that is taken or cannot be is an error that names it") {
    const auto error_of = [](const std::string& endpoint) -> std::string {
        zmq::context_t context;
        FakeSink sink;
        StopSignal stop;
        Worker worker(sink, {});
        BatchLog log(-1, LogFormat::kText, "run");
        auto options = batches_of(1);
        options.bind = {endpoint};
        try {
            const Router router(context, options, sink, worker, log, stop);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return {};
    };
    zmq::context_t context;
    zmq::socket_t taken(context, zmq::socket_type::router);
    taken.bind("tcp://127.0.0.1:*");
    const auto endpoint = taken.get(zmq::sockopt::last_endpoint);
    for (const auto& impossible : {endpoint, std::string("ipc:///nonexistent/socket"),
                                   std::string("tcp://192.0.2.1:5555")}) {
        CAPTURE(impossible);
        CHECK(error_of(impossible).find(impossible) != std::string::npos);
    }
}

}  // namespace
}  // namespace blocky::test
