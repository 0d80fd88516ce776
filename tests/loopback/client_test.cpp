// What a push makes of the replies it gets: acknowledged, refused, tried again, given up, stopped.
#include "producer/client.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/fake_consumer.hpp"
#include "tests/support/pushing.hpp"

namespace blocky::test {
namespace {

using Kind = PushFailure::Kind;

Kind kind_of(const Pushed& pushed) {
    REQUIRE_FALSE(pushed);
    return pushed.error().kind;
}

TEST_CASE("a push returns when its message is acknowledged") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    for (const std::string id : {"a", "b", "c"}) {
        auto push = client.start(id, "[1, 2.50]");
        const auto arrived = consumer.receive();
        CHECK(arrived.body == R"({"value":[1, 2.50],"producer":"p-1","id":")" + id + "\"}");
        consumer.acknowledge(arrived);
        const auto pushed = get(push);
        REQUIRE(pushed);
        CHECK(pushed->reply.batch == 7);
        CHECK(nlohmann::json::parse(pushed->body)["id"] == id);
        CHECK(pushed->held > 0ns);
    }
}

TEST_CASE("a message may go without a producer") {
    FakeConsumer consumer;
    auto options = patient({consumer.endpoint()});
    options.name.clear();
    Pushing client(options);
    auto push = client.start("a");
    const auto arrived = consumer.receive();
    CHECK(arrived.body == R"({"value":1,"id":"a"})");
    consumer.acknowledge(arrived);
    CHECK(get(push));
}

TEST_CASE("a duplicate is an acknowledgement") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    auto push = client.start("a");
    consumer.reply(consumer.receive(), R"({"status":"ok","id":"a","duplicate":true})");
    const auto pushed = get(push);
    REQUIRE(pushed);
    CHECK(pushed->reply.duplicate);
}

TEST_CASE("an error that must not come again is a refusal, and the next push goes on") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    auto push = client.start("a");
    consumer.fail(consumer.receive(), "rejected", false);
    const auto refused = get(push);
    CHECK(kind_of(refused) == Kind::kRefused);
    CHECK(refused.error().reason == "rejected: so it is");
    CHECK(nlohmann::json::parse(refused.error().body)["code"] == "rejected");

    push = client.start("b");
    consumer.acknowledge(consumer.receive());
    CHECK(get(push));
}

TEST_CASE("an error without an id answers the request it was sent to") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    auto push = client.start("a");
    consumer.reply(consumer.receive(),
                   R"({"status":"error","code":"bad_request","message":"no","retry":false})");
    CHECK(kind_of(get(push)) == Kind::kRefused);
}

TEST_CASE("a message over the limit is refused before it is sent") {
    FakeConsumer consumer;
    auto options = patient({consumer.endpoint()});
    options.max_message_bytes = 100;
    Pushing client(options);
    const auto refused = client.push("a", std::string(101, '1'));
    CHECK(kind_of(refused) == Kind::kRefused);
    CHECK(refused.error().reason.starts_with("too_large"));
    CHECK(refused.error().body.empty());
    auto push = client.start("b");
    const auto arrived = consumer.receive();
    CHECK(arrived.id() == "b");
    consumer.acknowledge(arrived);
    CHECK(get(push));
}

TEST_CASE("a busy consumer is asked again, with the same id, after the time it said") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    auto push = client.start("a");
    const auto first = consumer.receive();
    const auto told = Clock::now();
    consumer.fail(first, "busy", true, R"(,"retry_after_ms":150)");
    const auto second = consumer.receive();
    CHECK(Clock::now() - told >= 150ms);
    CHECK(second.body == first.body);
    consumer.acknowledge(second);
    CHECK(get(push));
}

TEST_CASE("an error that may be tried again is, each time after a longer wait") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    auto push = client.start("a");
    auto told = Clock::now();
    for (const auto least : {0ms, 50ms, 100ms}) {
        const auto arrived = consumer.receive();
        CHECK(arrived.id() == "a");
        CHECK(Clock::now() - told >= least);
        told = Clock::now();
        consumer.fail(arrived, "sink_failed", true);
    }
    consumer.acknowledge(consumer.receive());
    CHECK(get(push));
}

TEST_CASE("a reply that is not understood is no acknowledgement: the message goes again") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    const std::vector<Frames> nonsense{{"ok"},
                                       {""},
                                       {R"({"status":"ok"})"},
                                       {R"({"status":"ok","id":"another"})"},
                                       {R"({"status":"error","id":"another","code":"rejected"})"},
                                       {R"({"status":"done","id":"a"})"},
                                       {R"({"status":"ok","id":"a"})", "and more"}};
    for (const auto& body : nonsense) {
        CAPTURE(body.front());
        auto push = client.start("a");
        const auto first = consumer.receive();
        consumer.reply(first, body);
        const auto second = consumer.receive();
        CHECK(second.body == first.body);
        consumer.acknowledge(second);
        CHECK(get(push));
    }
}

TEST_CASE("a late reply to an earlier try is not taken for the reply to the latest") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    auto push = client.start("a");
    const auto first = consumer.receive();
    consumer.fail(first, "busy", true, R"(,"retry_after_ms":1)");
    const auto second = consumer.receive();
    CHECK(second.connection() == first.connection());
    consumer.acknowledge(first);
    consumer.fail(second, "rejected", false);
    CHECK(kind_of(get(push)) == Kind::kRefused);
}

TEST_CASE("a late reply to one message is not taken for the reply to the next") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    auto push = client.start("a");
    const auto first = consumer.receive();
    consumer.acknowledge(first);
    CHECK(get(push));
    push = client.start("b");
    const auto second = consumer.receive();
    consumer.acknowledge(first);
    consumer.fail(second, "rejected", false);
    CHECK(kind_of(get(push)) == Kind::kRefused);
}

TEST_CASE("a stop before a push sends nothing") {
    FakeConsumer consumer;
    Pushing client(patient({consumer.endpoint()}));
    client.stop();
    CHECK(kind_of(client.push("a")) == Kind::kNotSent);
    CHECK(consumer.is_silent_for(50ms));
    CHECK(kind_of(client.push("b")) == Kind::kNotSent);
}

TEST_CASE("a stop waits a little for what has been sent") {
    FakeConsumer consumer;
    auto options = patient({consumer.endpoint()});
    options.stop_grace = kDeadline;
    Pushing client(options);
    auto push = client.start("a");
    const auto arrived = consumer.receive();
    client.stop();
    consumer.acknowledge(arrived);
    CHECK(get(push));
}

TEST_CASE("a stop does not wait for ever for what has been sent") {
    FakeConsumer consumer;
    auto options = patient({consumer.endpoint()});
    options.stop_grace = 50ms;
    Pushing client(options);
    auto push = client.start("a");
    consumer.receive();
    const auto stopped = Clock::now();
    client.stop();
    CHECK(kind_of(get(push)) == Kind::kStopped);
    CHECK(Clock::now() - stopped >= 50ms);
}

TEST_CASE("a stop ends the wait for a consumer, and the wait before another try") {
    const Nowhere nowhere;
    Pushing lonely(patient({nowhere.endpoint()}));
    auto push = lonely.start("a");
    lonely.stop();
    CHECK(kind_of(get(push)) == Kind::kNotSent);

    FakeConsumer consumer;
    Pushing busy(patient({consumer.endpoint()}));
    push = busy.start("a");
    consumer.fail(consumer.receive(), "busy", true, R"(,"retry_after_ms":3600000)");
    busy.stop();
    CHECK(kind_of(get(push)) == Kind::kStopped);
}

TEST_CASE("a message is given up when it was not acknowledged in time, whatever the reason") {
    const Nowhere nowhere;
    auto options = patient({nowhere.endpoint()});
    options.retry_for = 50ms;
    const auto start = Clock::now();
    const auto lost = Pushing(options).push("a");
    CHECK(kind_of(lost) == Kind::kGaveUp);
    CHECK(Clock::now() - start >= 50ms);
    CHECK(lost.error().reason.find("50 ms") != std::string::npos);

    FakeConsumer consumer;
    options.endpoints = {consumer.endpoint()};
    options.retry_for = 100ms;
    Pushing client(options);
    auto push = client.start("b");
    const auto arrived = consumer.receive();
    CHECK(kind_of(get(push)) == Kind::kGaveUp);  // no reply

    push = client.start("c");
    consumer.fail(consumer.receive(), "busy", true, R"(,"retry_after_ms":3600000)");
    const auto busy = get(push);
    CHECK(kind_of(busy) == Kind::kGaveUp);
    CHECK(busy.error().reason.find("busy") != std::string::npos);

    push = client.start("d");
    consumer.acknowledge(consumer.receive());
    CHECK(get(push));
}

TEST_CASE("a consumer that says to wait for ages cannot make the client hang or hurry") {
    FakeConsumer consumer;
    auto options = patient({consumer.endpoint()});
    options.retry_for = 150ms;
    Pushing client(options);
    for (const std::string wait : {"2147483648", "1000000000000", "1000000000000000000"}) {
        CAPTURE(wait);
        auto push = client.start("a");
        consumer.fail(consumer.receive(), "busy", true, R"(,"retry_after_ms":)" + wait);
        CHECK(kind_of(get(push)) == Kind::kGaveUp);
        CHECK(consumer.is_silent_for(0ms));
    }
}

}  // namespace
}  // namespace blocky::test
