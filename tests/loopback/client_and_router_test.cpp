// The client library against the real router: every message is processed exactly once, whatever the
// timeouts, resends, refusals and failures on the way.
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "producer/client.hpp"
#include "producer/pipelined_client.hpp"
#include "tests/support/running_router.hpp"

namespace blocky::test {
namespace {

constexpr int kProducers = 4;
constexpr int kMessages = 25;

// Pushes so many messages; how many were acknowledged.
int push_all(const std::string& endpoint, const std::string& name, Duration timeout) {
    zmq::context_t context;
    ClientOptions options;
    options.endpoints = {endpoint};
    options.name = name;
    options.timeout = timeout;
    Client client(context, options);
    int acknowledged = 0;
    for (int i = 0; i < kMessages; ++i) {
        const auto pushed = client.push(std::to_string(i), name + ":" + std::to_string(i));
        acknowledged += pushed ? 1 : 0;
    }
    return acknowledged;
}

// The same with many in flight, in order.
int push_all_pipelined(const std::string& endpoint, const std::string& name, Duration timeout) {
    zmq::context_t context;
    PipelineOptions options;
    options.client.endpoints = {endpoint};
    options.client.name = name;
    options.client.timeout = timeout;
    options.in_flight = 10;
    PipelinedClient client(context, options);
    int acknowledged = 0;
    for (int i = 0; i < kMessages; ++i) {
        client.push_async(std::to_string(i), name + ":" + std::to_string(i),
                          [&acknowledged](std::string_view, const PushResult& result) {
                              acknowledged += result ? 1 : 0;
                          });
    }
    client.flush();
    return acknowledged;
}

struct Outcome {
    std::map<std::string, int> stored;  // how often, by id
    int acknowledged = 0;
};

Outcome run(RouterOptions options, Duration timeout, bool fails_now_and_then,
            decltype(&push_all) push = push_all) {
    Outcome outcome;
    int calls = 0;
    FakeSink sink([&](const Batch& batch) {
        if (fails_now_and_then && ++calls % 3 == 0) {
            return fail_transiently();
        }
        for (const auto& message : batch.messages) {
            ++outcome.stored[std::string(message.id)];
        }
        return store(batch);
    });
    RunningRouter router(sink, std::move(options));
    std::vector<std::future<int>> producers;
    for (int i = 0; i < kProducers; ++i) {
        producers.push_back(std::async(std::launch::async, [&router, i, timeout, push] {
            return push(router.endpoint(), "p-" + std::to_string(i), timeout);
        }));
    }
    for (auto& producer : producers) {
        outcome.acknowledged += get(producer);
    }
    router.stop();
    CHECK(router.finished());
    return outcome;
}

void check_exactly_once(const Outcome& outcome) {
    CHECK(outcome.acknowledged == kProducers * kMessages);
    CHECK(outcome.stored.size() == kProducers * kMessages);
    for (const auto& [id, times] : outcome.stored) {
        CAPTURE(id);
        CHECK(times == 1);
    }
}

TEST_CASE("every push is processed once, in lock-step with the batches") {
    auto options = batches_of(kProducers);
    options.batcher.interval = 10ms;
    check_exactly_once(run(options, 10s, false));
}

TEST_CASE("a sink that fails now and then costs time and nothing else") {
    auto options = batches_of(1000);
    options.batcher.interval = 10ms;
    check_exactly_once(run(options, 10s, true));
}

TEST_CASE("a timeout shorter than the hold sends again and again, and counts once") {
    auto options = batches_of(1000);
    options.batcher.interval = 40ms;
    check_exactly_once(run(options, 15ms, false));
}

TEST_CASE("a consumer that is mostly busy serves everybody in the end") {
    auto options = batches_of(1);
    options.batcher.max_held = 1;
    options.batcher.interval = 20ms;  // nobody is told to come back later than at the next tick
    check_exactly_once(run(options, 10s, false));
}

TEST_CASE("with many in flight every push is processed once, whatever happens on the way") {
    auto options = batches_of(7);
    options.batcher.interval = 10ms;
    check_exactly_once(run(options, 10s, true, push_all_pipelined));
    options.batcher.interval = 40ms;
    check_exactly_once(run(options, 15ms, false, push_all_pipelined));
    options.batcher.max_held = 5;
    options.batcher.interval = 20ms;
    check_exactly_once(run(options, 10s, false, push_all_pipelined));
}

}  // namespace
}  // namespace blocky::test
