// When batches close, and how they are numbered: the timer, items, bytes, draining.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/batcher_fixture.hpp"

namespace blocky::test {
namespace {

using Names = std::vector<std::string>;

BatcherOptions every_second() {
    BatcherOptions options;
    options.interval = 1s;
    return options;
}

TEST_CASE("the first tick is at the start, with nothing in it") {
    BatcherFixture f(every_second());
    CHECK(f.batcher.deadline() == at(0s));
    CHECK(f.take(0s) == 0U);
    CHECK(f.batch->number == 1);
    CHECK(f.batch->trigger == Trigger::kTimer);
    CHECK(f.batch->closed_at == at(0s));
    CHECK(f.batch->producers == 0);
    CHECK(f.batcher.deadline() == at(1s));
}

TEST_CASE("before the start there is nothing to take") {
    BatcherFixture f(every_second());
    CHECK_FALSE(f.take(-1ns));
    CHECK(f.take(0s) == 0U);
    CHECK_FALSE(f.take(0s));
    CHECK_FALSE(f.take(999'999us));
}

TEST_CASE("what was pushed is held until the tick, and taken in order of arrival") {
    BatcherFixture f(every_second());
    f.take(0s);
    CHECK(f.push("a", "", 100ms, "10") == kHeld);
    CHECK(f.push("b", "", 200ms, "20") == kHeld);
    CHECK_FALSE(f.take(900ms));
    REQUIRE(f.take(1s) == 2U);
    CHECK(f.batch->number == 2);
    CHECK(f.batch->messages[0].value == "10");
    CHECK(f.batch->messages[1].value == "20");
    CHECK(f.batch->messages[0].number == 1);
    CHECK(f.batch->messages[1].number == 2);
    CHECK(f.complete() == Names{"a", "b"});
    CHECK(f.batcher.idle());
}

TEST_CASE("ticks stay on their grid, however late each is noticed") {
    BatcherFixture f(every_second());
    CHECK(f.take(3ms) == 0U);
    CHECK(f.batcher.deadline() == at(1s));
    CHECK(f.take(1s + 400ms) == 0U);
    CHECK(f.batcher.deadline() == at(2s));
    CHECK(f.take(2s + 1ns) == 0U);
    CHECK(f.batcher.deadline() == at(3s));
}

TEST_CASE("ticks that were slept through are one") {
    BatcherFixture f(every_second());
    f.take(0s);
    CHECK(f.take(60s + 1ms) == 0U);
    CHECK_FALSE(f.take(60s + 2ms));
    CHECK(f.batcher.deadline() == at(61s));
    CHECK(f.batch->number == 2);
}

TEST_CASE("an interval of a microsecond neither drifts nor overflows") {
    auto options = every_second();
    options.interval = 1us;
    BatcherFixture f(options);
    CHECK(f.take(0s) == 0U);
    CHECK(f.take(1h) == 0U);
    CHECK(f.batcher.deadline() == at(1h + 1us));
}

TEST_CASE("while a batch is in flight the next one fills, and a tick waits for the sink") {
    BatcherFixture f(every_second());
    f.take(0s);
    f.push("a", "", 1ms);
    REQUIRE(f.take(1s) == 1U);
    CHECK_FALSE(f.batcher.deadline());
    f.push("b", "", 1100ms);
    CHECK_FALSE(f.take(2s));
    f.push("c", "", 2500ms);
    CHECK_FALSE(f.take(3s));
    CHECK(f.complete() == Names{"a"});
    CHECK(f.batcher.deadline() <= at(3100ms));
    REQUIRE(f.take(3100ms) == 2U);
    CHECK(f.batch->closed_at == at(3100ms));
    CHECK(f.complete() == Names{"b", "c"});
    // Two ticks came meanwhile; at most one is ever pending.
    CHECK_FALSE(f.take(3200ms));
    CHECK(f.batcher.deadline() == at(4s));
}

TEST_CASE("a batch closes when it has max_items messages") {
    auto options = calm_options();
    options.max_items = 2;
    BatcherFixture f(options);
    f.take(0s);
    f.push("a", "", 1ms);
    CHECK_FALSE(f.take(1ms));
    f.push("b", "", 2ms);
    f.push("c", "", 3ms);
    REQUIRE(f.take(4ms) == 2U);
    CHECK(f.batch->trigger == Trigger::kItems);
    CHECK(f.batch->closed_at == at(2ms));
    CHECK_FALSE(f.take(4ms));
}

TEST_CASE("with max_items of one every message is a batch") {
    auto options = calm_options();
    options.max_items = 1;
    BatcherFixture f(options);
    f.take(0s);
    for (const std::string name : {"a", "b", "c"}) {
        f.push(name, "", 1ms);
    }
    for (const std::string name : {"a", "b", "c"}) {
        REQUIRE(f.take(1ms) == 1U);
        CHECK(f.complete() == Names{name});
    }
    CHECK(f.batch->number == 4);
}

TEST_CASE("batches in line wait for the sink, in order, and then for the timer") {
    auto options = every_second();
    options.max_items = 2;
    BatcherFixture f(options);
    f.take(0s);
    for (const std::string name : {"a", "b", "c", "d", "e"}) {
        f.push(name, "", 500ms);
    }
    REQUIRE(f.take(1s) == 2U);
    CHECK(f.batch->number == 2);
    CHECK_FALSE(f.take(1s));
    CHECK(f.complete() == Names{"a", "b"});
    REQUIRE(f.take(1s) == 2U);
    CHECK(f.batch->number == 3);
    CHECK(f.complete() == Names{"c", "d"});
    // The tick at 1 s is still pending and closes what is open.
    REQUIRE(f.take(1s) == 1U);
    CHECK(f.batch->trigger == Trigger::kTimer);
    CHECK(f.complete() == Names{"e"});
}

TEST_CASE("reaching max_bytes exactly closes the batch") {
    auto options = calm_options();
    options.max_bytes = 30;
    BatcherFixture f(options);
    f.take(0s);
    f.push("a", "", 1ms, "1", 10);
    f.push("b", "", 2ms, "1", 20);
    REQUIRE(f.take(2ms) == 2U);
    CHECK(f.batch->trigger == Trigger::kBytes);
    CHECK(f.batch->bytes == 30);
    CHECK(f.batch->closed_at == at(2ms));
}

TEST_CASE("a message that would pass max_bytes closes the batch before it") {
    auto options = calm_options();
    options.max_bytes = 30;
    BatcherFixture f(options);
    f.take(0s);
    f.push("a", "", 1ms, "1", 10);
    f.push("b", "", 2ms, "2", 21);
    REQUIRE(f.take(2ms) == 1U);
    CHECK(f.batch->trigger == Trigger::kBytes);
    CHECK(f.batch->bytes == 10);
    CHECK(f.complete() == Names{"a"});
    CHECK_FALSE(f.take(2ms));
    f.push("c", "", 3ms, "3", 9);
    REQUIRE(f.take(3ms) == 2U);
    CHECK(f.batch->bytes == 30);
}

TEST_CASE("a message as large as a batch may be is a batch") {
    auto options = calm_options();
    options.max_bytes = 30;
    BatcherFixture f(options);
    f.take(0s);
    f.push("a", "", 1ms, "1", 30);
    REQUIRE(f.take(1ms) == 1U);
    CHECK(f.batch->trigger == Trigger::kBytes);
}

TEST_CASE("a batch that reaches both limits closes once") {
    auto options = calm_options();
    options.max_items = 2;
    options.max_bytes = 20;
    BatcherFixture f(options);
    f.take(0s);
    f.push("a", "", 1ms);
    f.push("b", "", 1ms);
    REQUIRE(f.take(1ms) == 2U);
    CHECK(f.batch->trigger == Trigger::kItems);
    f.complete();
    CHECK_FALSE(f.take(1ms));
}

TEST_CASE("producers counts connections, not messages or names") {
    auto options = calm_options();
    options.max_items = 4;
    BatcherFixture f(options);
    f.take(0s);
    for (const std::string connection : {"a", "b", "a", "a"}) {
        f.push(connection, "", 1ms);
    }
    REQUIRE(f.take(1ms) == 4U);
    CHECK(f.batch->producers == 2);
}

TEST_CASE("draining closes what is open as soon as the sink is free, and nothing empty") {
    BatcherFixture f(every_second());
    f.take(0s);
    f.push("a", "", 1ms);
    REQUIRE(f.take(1s) == 1U);
    f.push("b", "", 1100ms);
    f.batcher.drain();
    CHECK_FALSE(f.take(1200ms));
    CHECK_FALSE(f.batcher.deadline());
    CHECK(f.complete() == Names{"a"});
    CHECK_FALSE(f.batcher.idle());
    REQUIRE(f.take(1200ms) == 1U);
    CHECK(f.batch->trigger == Trigger::kDrain);
    CHECK(f.complete() == Names{"b"});
    CHECK(f.batcher.idle());
    CHECK_FALSE(f.take(100s));
    CHECK(f.batch->number == 3);
}

TEST_CASE("draining processes what is in line first") {
    auto options = calm_options();
    options.max_items = 1;
    BatcherFixture f(options);
    f.take(0s);
    f.push("a", "", 1ms);
    f.push("b", "", 1ms);
    f.batcher.drain();
    REQUIRE(f.take(1ms) == 1U);
    CHECK(f.batch->trigger == Trigger::kItems);
    f.complete();
    REQUIRE(f.take(1ms) == 1U);
    CHECK(f.complete() == Names{"b"});
    CHECK_FALSE(f.take(1ms));
}

TEST_CASE("draining with nothing held is over at once") {
    BatcherFixture f(every_second());
    f.batcher.drain();
    CHECK(f.batcher.idle());
    CHECK_FALSE(f.take(5s));
    CHECK_FALSE(f.batcher.deadline());
}

}  // namespace
}  // namespace blocky::test
