// Stopping: what is held is processed and answered first, what comes is refused, and a sink that
// never returns holds nobody for ever.
#include <string>

#include <doctest/doctest.h>

#include "consumer/router.hpp"
#include "tests/support/dealer.hpp"
#include "tests/support/running_router.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a stop with nothing held ends the run at once") {
    FakeSink sink;
    RunningRouter router(sink);
    router.stop();
    CHECK(router.finished());
    CHECK(sink.calls.count() == 0);
}

TEST_CASE("a stop closes the open batch, processes it and releases its producers") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(100));
    Dealer client(router.context(), router.endpoint());
    client.push("a");
    client.push("b");
    client.sync();
    router.stop();
    CHECK(client.reply_to("a").body["size"] == 2);
    CHECK(client.reply_to("b").ok());
    CHECK(router.finished());
    CHECK(sink.calls.count() == 1);
}

TEST_CASE("a stop processes all that is in line, and refuses what comes meanwhile") {
    Gate gate;
    FakeSink sink([&](const Batch& batch) {
        gate.wait();
        return store(batch);
    });
    RunningRouter router(sink, batches_of(2));
    Dealer client(router.context(), router.endpoint());
    for (const std::string tag : {"1", "2", "3", "4", "5"}) {
        client.push(tag);
    }
    client.sync();
    router.stop();
    // Until the signal has been followed a message may still be taken.
    bool refused = false;
    for (int i = 0; !refused && i < 1000; ++i) {
        const auto tag = "late" + std::to_string(i);
        client.push(tag);
        client.send("next", "no JSON");
        auto answer = client.reply();
        refused = answer.tag == tag;
        if (refused) {
            CHECK(answer.code() == "shutting_down");
            CHECK(answer.body["retry"] == true);
            answer = client.reply();
        }
        CHECK(answer.tag == "next");
    }
    CHECK(refused);
    client.push("3");  // what is held is taken over even now
    client.sync();
    gate.open();
    for (const std::string tag : {"1", "2", "3", "4", "5"}) {
        CHECK(client.reply_to(tag).ok());
    }
    CHECK(router.finished());
}

TEST_CASE("a stop waits for a sink that fails for now") {
    Counter calls;
    FakeSink sink(
        [&](const Batch& batch) { return calls.step() <= 5 ? fail_transiently() : store(batch); });
    RunningRouter router(sink, batches_of(1));
    Dealer client(router.context(), router.endpoint());
    client.push("a");
    REQUIRE(calls.wait_for(1));
    router.stop();
    CHECK(client.reply_to("a").ok());
    CHECK(router.finished());
}

TEST_CASE("a sink that does not return in time has its producers told, in flight or not") {
    Gate gate;
    FakeSink sink([&](const Batch& batch) {
        gate.wait();
        return store(batch);
    });
    auto options = batches_of(2);
    options.drain_for = 30ms;
    RunningRouter router(sink, options);
    Dealer client(router.context(), router.endpoint());
    for (const std::string tag : {"1", "2", "3", "4", "5"}) {
        client.push(tag);
    }
    REQUIRE(sink.calls.wait_for(1));
    client.sync();
    router.stop();
    for (const std::string tag : {"1", "2", "3", "4", "5"}) {
        const auto answer = client.reply_to(tag);
        CHECK(answer.code() == "sink_failed");
        CHECK(answer.body["id"] == tag);
        CHECK(answer.body["retry"] == true);
    }
    CHECK_FALSE(router.finished());
    CHECK(sink.returns.count() == 0);
    gate.open();  // lets the worker's thread end
}

TEST_CASE("a sink that fails for the whole drain does not hold its producers any longer") {
    FakeSink sink([](const Batch& /*batch*/) { return fail_transiently(); });
    auto options = batches_of(1);
    options.drain_for = 30ms;
    RunningRouter router(sink, options);
    Dealer client(router.context(), router.endpoint());
    client.push("a");
    REQUIRE(sink.calls.wait_for(2));
    router.stop();
    CHECK(client.reply_to("a").code() == "sink_failed");
    CHECK_FALSE(router.finished());
}

TEST_CASE("after so many batches the run ends by itself, and who is held is told") {
    Gate gate;
    FakeSink sink([&](const Batch& batch) {
        gate.wait();
        return store(batch);
    });
    auto options = batches_of(1);
    options.batches = 2;
    RunningRouter router(sink, options);
    Dealer client(router.context(), router.endpoint());
    for (const std::string tag : {"second", "third", "fourth"}) {
        client.push(tag);
    }
    client.sync();
    gate.open();
    CHECK(client.reply_to("second").body["batch"] == 2);
    for (const std::string tag : {"third", "fourth"}) {
        const auto answer = client.reply_to(tag);
        CHECK(answer.code() == "shutting_down");
        CHECK(answer.body["id"] == tag);
    }
    CHECK(router.finished());
    CHECK(sink.calls.count() == 1);
    CHECK(router.metrics().batches == 2);
}

TEST_CASE("empty batches count towards the last one, too") {
    FakeSink sink;
    auto options = batches_of(1);
    options.batcher.interval = 1ms;
    options.batches = 5;
    RunningRouter router(sink, options);
    CHECK(router.finished());
    CHECK(router.metrics().batches == 5);
    CHECK(sink.calls.count() == 0);
}

}  // namespace
}  // namespace blocky::test
