// Bundles on the wire: one reply for all, each message judged by itself.
#include <string>

#include <doctest/doctest.h>

#include "tests/support/dealer.hpp"
#include "tests/support/running_router.hpp"

namespace blocky::test {
namespace {

using nlohmann::json;

std::string bundle_of(int first, int last) {
    json messages = json::array();
    for (int i = first; i <= last; ++i) {
        messages.push_back({{"value", i}, {"id", "id-" + std::to_string(i)}});
    }
    return json{{"messages", messages}, {"producer", "p"}}.dump();
}

TEST_CASE("a bundle that went well in one batch has one short reply") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(5));
    Dealer client(router.context(), router.endpoint());
    client.send("b", bundle_of(1, 3));
    client.sync();
    client.send("c", bundle_of(4, 5));
    CHECK(client.reply_to("b").body ==
          json::parse(R"({"status":"ok","count":3,"batch":2,"size":5,"result":"stored"})"));
    CHECK(client.reply_to("c").body ==
          json::parse(R"({"status":"ok","count":2,"batch":2,"size":5,"result":"stored"})"));
}

TEST_CASE("a bundle that fits a batch is never split: it closes the open one first") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(4));
    Dealer client(router.context(), router.endpoint());
    client.push("a");
    client.send("b", bundle_of(1, 4));
    CHECK(client.reply_to("a").body["size"] == 1);
    CHECK(client.reply_to("b").body["size"] == 4);
}

TEST_CASE("a bundle that is larger than a batch is answered when the last of it is done") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(2));
    Dealer client(router.context(), router.endpoint());
    client.send("b", bundle_of(1, 4));
    const auto answer = client.reply_to("b").body;
    CHECK(answer["status"] == "mixed");
    REQUIRE(answer["replies"].size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(answer["replies"][i]["id"] == "id-" + std::to_string(i + 1));
        CHECK(answer["replies"][i]["batch"] == 2 + i / 2);
    }
}

TEST_CASE("a bad message costs only itself, and a duplicate says so") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(1));
    Dealer client(router.context(), router.endpoint());
    client.push("old");
    client.reply_to("old");
    client.send("b",
                R"({"messages":[{"value":1,"id":"old"},{"value":"objectionable"},{"id":"x"},7,)"
                R"({"value":2,"id":"new","v":2},{"value":3}]})");
    const auto replies = client.reply_to("b").body["replies"];
    REQUIRE(replies.size() == 6);
    CHECK(replies[0] == json{{"status", "ok"}, {"id", "old"}, {"duplicate", true}});
    CHECK(replies[1]["code"] == "bad_request");
    CHECK(replies[2]["code"] == "bad_request");
    CHECK(replies[2]["id"] == "x");
    CHECK(replies[3]["code"] == "bad_request");
    CHECK(replies[4]["code"] == "unsupported_version");
    CHECK(replies[5]["status"] == "ok");
}

TEST_CASE("the same id twice in a bundle counts once, and both are answered") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(2));
    Dealer client(router.context(), router.endpoint());
    client.send("b", R"({"messages":[{"value":1,"id":"a"},{"value":2,"id":"a"}]})");
    client.sync();
    client.push("c");
    const auto first = client.reply_to("c");
    CHECK(first.body["size"] == 2);
    const auto replies = client.reply_to("b").body["replies"];
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].contains("duplicate") == false);
    CHECK(replies[1]["duplicate"] == true);
    CHECK(replies[1]["status"] == "ok");
}

TEST_CASE("a message taken over by a newer request still has its verdict in its bundle") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(3));
    Dealer first(router.context(), router.endpoint());
    Dealer second(router.context(), router.endpoint());
    first.send("b", R"({"messages":[{"value":1,"id":"a"},{"value":2,"id":"b"}]})");
    first.sync();
    second.push("a", "9");
    second.sync();
    second.push("c");
    CHECK(second.reply_to("a").body["size"] == 3);
    CHECK(second.reply_to("c").ok());
    CHECK(first.reply_to("b").body["count"] == 2);
}

TEST_CASE("each message of a bundle has its own deadline and its own place in the limits") {
    FakeSink sink;
    auto options = batches_of(100);
    options.batcher.max_held = 2;
    RunningRouter router(sink, options);
    Dealer client(router.context(), router.endpoint());
    client.send("b", R"({"messages":[{"value":1,"deadline_ms":1},{"value":2},{"value":3}],)"
                     R"("deadline_ms":20})");
    const auto replies = client.reply_to("b").body["replies"];
    REQUIRE(replies.size() == 3);
    CHECK(replies[0]["code"] == "expired");
    CHECK(replies[1]["code"] == "expired");
    CHECK(replies[2]["code"] == "busy");
    CHECK(sink.calls.count() == 0);
}

// Processes in the router's own thread, and takes 30 ms for its first batch.
class SlowInlineSink : public FakeSink {
public:
    SlowInlineSink()
        : FakeSink([this](const Batch& batch) {
              const auto end = Clock::now() + (calls.count() == 1 ? 30ms : 0ms);
              while (Clock::now() < end) {
              }
              return store(batch);
          }) {}
    bool is_inline() const override { return true; }
};

TEST_CASE("a deadline that passes while an inline sink is at the batch before is kept") {
    SlowInlineSink sink;
    RunningRouter router(sink, batches_of(1));
    Dealer client(router.context(), router.endpoint());
    client.send("b", R"({"messages":[{"value":1},{"value":2,"deadline_ms":20},{"value":3}]})");
    const auto replies = client.reply_to("b").body["replies"];
    REQUIRE(replies.size() == 3);
    CHECK(replies[0]["status"] == "ok");
    CHECK(replies[1]["code"] == "expired");
    CHECK(replies[2]["status"] == "ok");
    CHECK(sink.calls.count() == 2);
}

TEST_CASE("what is no bundle is one bad request") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(1));
    Dealer client(router.context(), router.endpoint());
    for (const std::string body :
         {R"({"messages":[]})", R"({"messages":1})", R"({"messages":[{"value":1}],"id":"x"})",
          R"({"messages":[{"value":1}],"value":1})"}) {
        client.send("b", body);
        CHECK(client.reply_to("b").code() == "bad_request");
    }
}

TEST_CASE("all that is held of a bundle is answered when the consumer stops") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(100));
    Dealer client(router.context(), router.endpoint());
    client.send("b", bundle_of(1, 3));
    client.sync();
    router.stop();
    CHECK(client.reply_to("b").body["count"] == 3);
    CHECK(router.finished());
}

}  // namespace
}  // namespace blocky::test
