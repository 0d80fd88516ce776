// What a push survives: a consumer that is silent, restarted, not there yet, or gone for good while
// another one serves.
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "producer/client.hpp"
#include "tests/support/fake_consumer.hpp"
#include "tests/support/pushing.hpp"

namespace blocky::test {
namespace {

TEST_CASE("without a reply in time the client reconnects and sends the same again") {
    FakeConsumer consumer;
    auto options = patient({consumer.endpoint()});
    options.timeout = 1s;
    Pushing client(options);
    auto push = client.start("a");
    const auto first = consumer.receive();
    const auto second = consumer.receive();
    CHECK(second.body == first.body);
    CHECK(second.connection() != first.connection());
    consumer.acknowledge(second);
    CHECK(get(push));
}

TEST_CASE("a reply to the connection that was given up is not taken for anything") {
    FakeConsumer consumer;
    auto options = patient({consumer.endpoint()});
    options.timeout = 1s;
    Pushing client(options);
    auto push = client.start("a");
    const auto first = consumer.receive();
    const auto second = consumer.receive();
    consumer.acknowledge(first);
    consumer.fail(second, "rejected", false);
    CHECK(get(push).error().kind == PushFailure::Kind::kRefused);
}

TEST_CASE("when the connection breaks the message goes again on the next one, before any timeout") {
    for (const std::string transport : {"tcp", "ipc"}) {
        CAPTURE(transport);
        const TemporaryDirectory directory;
        std::optional<FakeConsumer> consumer(std::in_place, transport == "tcp"
                                                                ? "tcp://127.0.0.1:*"
                                                                : "ipc://" + directory.file("s"));
        const auto endpoint = consumer->endpoint();
        Pushing client(patient({endpoint}));
        auto push = client.start("a");
        const auto first = consumer->receive();
        consumer.reset();
        consumer.emplace(endpoint);
        const auto second = consumer->receive();
        CHECK(second.body == first.body);
        consumer->acknowledge(second);
        CHECK(get(push));

        push = client.start("b");
        consumer->acknowledge(consumer->receive());
        CHECK(get(push));
    }
}

TEST_CASE("a consumer may be restarted between two messages") {
    std::optional<FakeConsumer> consumer(std::in_place);
    const auto endpoint = consumer->endpoint();
    Pushing client(patient({endpoint}));
    for (const std::string id : {"a", "b", "c"}) {
        auto push = client.start(id);
        // It may go twice: on the new connection before the client knows that the old one broke.
        do {
            if (const auto arrived = consumer->receive_within(10ms)) {
                CHECK(arrived->id() == id);
                consumer->acknowledge(*arrived);
            }
        } while (push.wait_for(0s) != std::future_status::ready);
        CHECK(get(push));
        consumer.reset();
        consumer.emplace(endpoint);
    }
}

TEST_CASE("a message waits for a consumer that is not there yet") {
    const TemporaryDirectory directory;
    const auto endpoint = "ipc://" + directory.file("socket");
    Pushing client(patient({endpoint}));
    auto push = client.start("a");
    FakeConsumer consumer(endpoint);
    const auto arrived = consumer.receive();
    CHECK(arrived.id() == "a");
    consumer.acknowledge(arrived);
    CHECK(get(push));
    CHECK(consumer.is_silent_for(0ms));  // it was not queued more than once
}

TEST_CASE("a consumer that cannot be reached is left for the next one") {
    const Nowhere nowhere;
    FakeConsumer consumer;
    auto options = patient({nowhere.endpoint(), consumer.endpoint()});
    options.timeout = 100ms;
    Pushing client(options);
    auto push = client.start("a");
    consumer.acknowledge(consumer.receive());
    CHECK(get(push));
    push = client.start("b");  // and it stays there
    consumer.acknowledge(consumer.receive());
    CHECK(get(push));
}

TEST_CASE("a consumer that cannot be reached is left long before a long timeout") {
    const Nowhere nowhere;
    FakeConsumer consumer;
    Pushing client(patient({nowhere.endpoint(), consumer.endpoint()}));
    auto push = client.start("a");
    consumer.acknowledge(consumer.receive());
    CHECK(get(push));
}

TEST_CASE("a consumer that goes silent is left for the next one, and the next for the first") {
    FakeConsumer first;
    FakeConsumer second;
    auto options = patient({first.endpoint(), second.endpoint()});
    options.timeout = 100ms;
    Pushing client(options);
    auto push = client.start("a");
    const auto unanswered = first.receive();
    const auto also_unanswered = second.receive();
    CHECK(also_unanswered.body == unanswered.body);
    const auto again = first.receive();
    CHECK(again.body == unanswered.body);
    first.acknowledge(again);
    CHECK(get(push));
}

TEST_CASE("a consumer that shuts down is left for the next one") {
    FakeConsumer first;
    FakeConsumer second;
    Pushing client(patient({first.endpoint(), second.endpoint()}));
    auto push = client.start("a");
    first.fail(first.receive(), "shutting_down", true);
    const auto arrived = second.receive();
    CHECK(arrived.id() == "a");
    second.acknowledge(arrived);
    CHECK(get(push));
}

TEST_CASE("a consumer whose connection broke is left for the next one") {
    std::optional<FakeConsumer> first(std::in_place);
    FakeConsumer second;
    Pushing client(patient({first->endpoint(), second.endpoint()}));
    auto push = client.start("a");
    first->receive();
    first.reset();
    const auto arrived = second.receive();
    CHECK(arrived.id() == "a");
    second.acknowledge(arrived);
    CHECK(get(push));
}

TEST_CASE("a consumer that is silent for many timeouts is reached in the end") {
    FakeConsumer consumer;
    auto options = patient({consumer.endpoint()});
    options.timeout = 20ms;
    Pushing client(options);
    auto push = client.start("a");
    for (int i = 0; i < 10; ++i) {
        CHECK(consumer.receive().id() == "a");
    }
    while (push.wait_for(0ms) != std::future_status::ready) {
        const auto arrived = consumer.receive();
        CHECK(arrived.id() == "a");
        consumer.acknowledge(arrived);
        // A reply that came too late for its connection leads to one more request.
        if (push.wait_for(200ms) == std::future_status::ready) {
            break;
        }
    }
    CHECK(get(push));
}

}  // namespace
}  // namespace blocky::test
