// The pipelined client over real sockets, against a consumer that the test plays: order, envelopes,
// lost connections, silence, a full window, a stop.
#include "producer/pipelined_client.hpp"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/flowing.hpp"
#include "tests/support/pushing.hpp"

namespace blocky::test {
namespace {

using Ids = std::vector<std::string>;
using Kind = PushFailure::Kind;

Kind kind_of(const PushResult& result) {
    REQUIRE_FALSE(result);
    return result.error().kind;
}

TEST_CASE("requests go one after the other without waiting, behind a tag and a delimiter") {
    FakeConsumer consumer;
    Flowing flow(patient_pipeline({consumer.endpoint()}));
    flow.push({"a", "b", "c"});
    std::vector<Arrived> arrived;
    for (const std::string id : {"a", "b", "c"}) {
        arrived.push_back(flow.arrives_at(consumer));
        CHECK(arrived.back().id() == id);
        CHECK(arrived.back().envelope.size() == 3);  // routing id, tag, delimiter
    }
    CHECK(arrived[0].body == R"({"value":1,"id":"a","producer":"p-1"})");
    consumer.acknowledge(arrived[2]);
    CHECK(flow.outcome("c"));
    consumer.acknowledge(arrived[0]);
    CHECK(flow.outcome("a")->reply.batch == 7);
    CHECK_FALSE(flow.settled("b"));
    CHECK(flow.client().in_flight() == 1);
    consumer.acknowledge(arrived[1]);
    flow.client().flush();
    CHECK(flow.settled("b"));
}

TEST_CASE("what is not a reply to a request of this client is none") {
    FakeConsumer consumer;
    Flowing flow(patient_pipeline({consumer.endpoint()}));
    flow.push({"a"});
    const auto arrived = flow.arrives_at(consumer);
    const std::string ok = R"({"status":"ok","id":"a","batch":1,"size":1})";
    const auto& routing_id = arrived.envelope[0];
    const auto& tag = arrived.envelope[1];
    for (const auto& frames : std::vector<Frames>{{routing_id, ok},
                                                  {routing_id, "", ok},
                                                  {routing_id, "tag", "", ok},
                                                  {routing_id, std::string(8, 'x'), "", ok},
                                                  {routing_id, tag},
                                                  {routing_id, tag, ok},
                                                  {routing_id, tag, "x", ok},
                                                  {routing_id, tag, "", ok, ok}}) {
        consumer.reply(Arrived{{frames[0]}, {}}, Frames(frames.begin() + 1, frames.end()));
    }
    // At most it goes again, and then counts.
    consumer.acknowledge(flow.arrives_at(consumer));
    CHECK(flow.outcome("a")->body != ok);
}

TEST_CASE("a full bundle goes at once, and what is left when the caller waits") {
    FakeConsumer consumer;
    Flowing flow(patient_pipeline({consumer.endpoint()}, 3));
    flow.push({"first"});
    consumer.acknowledge(flow.arrives_at(consumer));
    CHECK(flow.outcome("first"));
    flow.push({"a", "b", "c", "d"});
    const auto full = consumer.receive();
    CHECK(full.ids() == Ids{"a", "b", "c"});
    CHECK(nlohmann::json::parse(full.body)["producer"] == "p-1");
    CHECK(consumer.is_silent_for(20ms));
    const auto rest = flow.arrives_at(consumer);
    CHECK(rest.body == R"({"value":1,"id":"d","producer":"p-1"})");
    consumer.acknowledge_bundle(full);
    consumer.acknowledge(rest);
    flow.client().flush();
    CHECK(flow.outcome("c"));
    CHECK(flow.outcome("d"));
}

TEST_CASE("a bundle whose reply miscounts goes again and is acknowledged by a right one") {
    FakeConsumer consumer;
    Flowing flow(patient_pipeline({consumer.endpoint()}, 2));
    flow.push({"a", "b"});
    const auto first = flow.arrives_at(consumer);
    consumer.reply(first, R"({"status":"ok","count":3,"batch":1,"size":3})");
    const auto second = flow.arrives_at(consumer);
    CHECK(second.body == first.body);
    CHECK_FALSE(flow.settled("a"));
    consumer.acknowledge_bundle(second);
    CHECK(flow.outcome("a"));
    CHECK(flow.outcome("b"));
}

TEST_CASE("a full window blocks the caller until a reply makes room") {
    FakeConsumer consumer;
    Flowing flow(patient_pipeline({consumer.endpoint()}, 1, 2));
    auto pushed = std::async(std::launch::async, [&] { flow.push({"a", "b", "c"}); });
    const auto first = consumer.receive();
    CHECK(consumer.receive().id() == "b");
    CHECK(consumer.is_silent_for(50ms));
    CHECK(pushed.wait_for(0ms) != std::future_status::ready);
    consumer.acknowledge(first);
    get(pushed);
    CHECK(flow.settled("a"));
    CHECK(consumer.receive().id() == "c");
}

TEST_CASE("a push returns when its own message is safe, with others still in flight") {
    FakeConsumer consumer;
    Flowing flow(patient_pipeline({consumer.endpoint()}));
    flow.push({"a"});
    auto pushed = std::async(std::launch::async, [&] { return flow.client().push("2", "b"); });
    const auto first = consumer.receive();
    consumer.acknowledge(consumer.receive());
    CHECK(get(pushed)->reply.id == "b");
    CHECK_FALSE(flow.settled("a"));
    consumer.acknowledge(first);
    CHECK(flow.outcome("a"));
}

TEST_CASE("when the connection breaks what is unanswered goes first, in order, with the same ids") {
    for (const std::string transport : {"tcp", "ipc"}) {
        CAPTURE(transport);
        const TemporaryDirectory directory;
        std::optional<FakeConsumer> consumer(std::in_place, transport == "tcp"
                                                                ? "tcp://127.0.0.1:*"
                                                                : "ipc://" + directory.file("s"));
        const auto endpoint = consumer->endpoint();
        Flowing flow(patient_pipeline({endpoint}));
        for (int round = 0; round < 3; ++round) {
            const auto name = [round](const char* id) { return id + std::to_string(round); };
            flow.push({name("a"), name("b"), name("c")});
            CHECK(flow.arrives_at(*consumer).id() == name("a"));
            consumer->acknowledge(flow.arrives_at(*consumer));
            CHECK(flow.arrives_at(*consumer).id() == name("c"));
            CHECK(flow.outcome(name("b")));
            consumer.reset();
            flow.push({name("d")});
            consumer.emplace(endpoint);
            for (const char* const id : {"a", "c", "d"}) {
                const auto arrived = flow.arrives_at(*consumer);
                CHECK(arrived.id() == name(id));
                consumer->acknowledge(arrived);
            }
            flow.client().flush();
        }
    }
}

TEST_CASE("a reply that came before the connection broke can still be read") {
    zmq::context_t context;
    std::optional<FakeConsumer> consumer(std::in_place);
    PipelinedSocket socket(context, consumer->endpoint());
    const auto wait_until = [](const auto& happened) {
        const auto end = Clock::now() + kDeadline;
        while (!happened()) {
            REQUIRE(Clock::now() < end);
            std::this_thread::yield();
        }
    };
    wait_until([&] { return socket.take_events().connected; });
    REQUIRE(socket.send(5, zmq::message_t(std::string_view("request"))));
    consumer->reply(consumer->receive(), "reply");
    wait_until([&] { return socket.has_reply(); });
    consumer.reset();
    wait_until([&] { return socket.take_events().disconnected; });
    REQUIRE(socket.receive());
    CHECK(socket.tag() == 5);
    CHECK(socket.body() == "reply");
}

TEST_CASE("without a reply in time everything unanswered goes again on a new connection") {
    FakeConsumer consumer;
    auto options = patient_pipeline({consumer.endpoint()});
    options.client.timeout = 100ms;
    Flowing flow(options);
    flow.push({"a", "b"});
    const auto first = flow.arrives_at(consumer);
    CHECK(flow.arrives_at(consumer).id() == "b");
    const auto again = flow.arrives_at(consumer);
    CHECK(again.body == first.body);
    CHECK(again.connection() != first.connection());
    CHECK(flow.arrives_at(consumer).id() == "b");
}

TEST_CASE("a consumer that is silent, or not there, is left for the next one") {
    const Nowhere nowhere;
    FakeConsumer silent;
    FakeConsumer consumer;
    auto options = patient_pipeline({silent.endpoint(), nowhere.endpoint(), consumer.endpoint()});
    options.client.timeout = 100ms;
    Flowing flow(options);
    flow.push({"a", "b"});
    CHECK(flow.arrives_at(silent).id() == "a");
    for (const std::string id : {"a", "b"}) {
        const auto arrived = flow.arrives_at(consumer);
        CHECK(arrived.id() == id);
        consumer.acknowledge(arrived);
    }
    flow.client().flush();
    CHECK(flow.outcome("a"));
}

TEST_CASE("a consumer that shuts down is left for the next one once it has answered") {
    FakeConsumer first;
    FakeConsumer second;
    Flowing flow(patient_pipeline({first.endpoint(), second.endpoint()}));
    flow.push({"a", "b"});
    const auto held = flow.arrives_at(first);
    first.fail(flow.arrives_at(first), "shutting_down", true);
    CHECK(flow.sends_nothing(second, 50ms));
    first.acknowledge(held);
    const auto arrived = flow.arrives_at(second);
    CHECK(arrived.id() == "b");
    second.acknowledge(arrived);
    flow.client().flush();
    CHECK(flow.outcome("a"));
    CHECK(flow.outcome("b"));
}

TEST_CASE("a busy consumer gets nothing until the time it said is over") {
    FakeConsumer consumer;
    Flowing flow(patient_pipeline({consumer.endpoint()}));
    flow.push({"a"});
    const auto first = flow.arrives_at(consumer);
    const auto told = Clock::now();
    consumer.fail(first, "busy", true, R"(,"retry_after_ms":150)");
    CHECK(flow.sends_nothing(consumer, 20ms));
    flow.push({"b"});
    const auto again = flow.arrives_at(consumer);
    CHECK(Clock::now() - told >= 150ms);
    CHECK(again.body == first.body);
    CHECK(flow.arrives_at(consumer).id() == "b");
}

TEST_CASE("a message waits for a consumer that is not there yet, and goes once") {
    const TemporaryDirectory directory;
    const auto endpoint = "ipc://" + directory.file("socket");
    Flowing flow(patient_pipeline({endpoint}));
    flow.push({"a", "b"});
    flow.client().wait(Clock::now() + 10ms);
    FakeConsumer consumer(endpoint);
    CHECK(flow.arrives_at(consumer).id() == "a");
    CHECK(flow.arrives_at(consumer).id() == "b");
    CHECK(flow.sends_nothing(consumer, 50ms));
}

TEST_CASE("a message is given up when it was not acknowledged in time") {
    const Nowhere nowhere;
    auto options = patient_pipeline({nowhere.endpoint()});
    options.client.retry_for = 50ms;
    Flowing flow(options);
    flow.push({"a"});
    flow.client().flush();
    CHECK(kind_of(flow.outcome("a")) == Kind::kGaveUp);
    CHECK(flow.outcome("a").error().reason.find("no connection") != std::string::npos);
}

TEST_CASE("a wait ends at its time, at an outcome, and when its descriptor is readable") {
    FakeConsumer consumer;
    Flowing flow(patient_pipeline({consumer.endpoint()}));
    const auto start = Clock::now();
    flow.client().wait(start + 5ms);
    CHECK(Clock::now() >= start + 5ms);
    Pipe pipe;
    pipe.write("x");
    flow.client().wait(TimePoint::max(), pipe.reader.get());
    flow.push({"a"});
    consumer.acknowledge(flow.arrives_at(consumer));
    while (!flow.settled("a")) {
        flow.client().wait(TimePoint::max());
    }
}

TEST_CASE("after a stop nothing new goes, and what is in flight is waited for a little") {
    FakeConsumer consumer;
    auto options = patient_pipeline({consumer.endpoint()}, 1, 2);
    options.client.stop_grace = 200ms;
    Flowing flow(options);
    flow.push({"a", "b"});
    const auto first = flow.arrives_at(consumer);
    CHECK(flow.arrives_at(consumer).id() == "b");
    flow.stop();
    const auto stopped = Clock::now();
    flow.push({"c"});  // returns although the window is full
    CHECK(kind_of(flow.outcome("c")) == Kind::kNotSent);
    consumer.acknowledge(first);
    flow.client().flush();
    CHECK(flow.outcome("a"));
    CHECK(kind_of(flow.outcome("b")) == Kind::kStopped);
    CHECK(Clock::now() - stopped >= 200ms);
    CHECK(consumer.is_silent_for(20ms));
    CHECK(flow.client().stopping());
}

TEST_CASE("a stop without a consumer ends at once, and nothing counts as sent") {
    const Nowhere nowhere;
    Flowing flow(patient_pipeline({nowhere.endpoint()}));
    flow.push({"a"});
    flow.stop();
    flow.client().flush();
    CHECK(kind_of(flow.outcome("a")) == Kind::kNotSent);
}

}  // namespace
}  // namespace blocky::test
