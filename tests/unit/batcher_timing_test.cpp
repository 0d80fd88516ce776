// What closes a batch besides ticks and sizes: linger and barrier; and deadlines, which take
// messages out before the sink sees them.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/batcher_fixture.hpp"

namespace blocky::test {
namespace {

using Names = std::vector<std::string>;

BatcherOptions lingering(Duration linger) {
    BatcherOptions options;
    options.linger = linger;
    return options;
}

BatcherOptions with_barrier(std::uint64_t least, Duration interval = 1s) {
    BatcherOptions options;
    options.barrier = least;
    options.interval = interval;
    return options;
}

TEST_CASE("with a linger there are no ticks, and no empty batches") {
    BatcherFixture f(lingering(10ms));
    CHECK_FALSE(f.batcher.deadline());
    CHECK_FALSE(f.take(1h));
}

TEST_CASE("a batch closes so long after its first message") {
    BatcherFixture f(lingering(10ms));
    f.push("a", "", 5ms);
    f.push("b", "", 14ms);
    CHECK(f.batcher.deadline() == at(15ms));
    CHECK_FALSE(f.take(15ms - 1ns));
    CHECK(f.take(15ms) == 2U);
    CHECK(f.batch->number == 1);
    CHECK(f.batch->trigger == Trigger::kTimer);
    f.complete();
    f.push("c", "", 20ms);
    CHECK(f.batcher.deadline() == at(30ms));
}

TEST_CASE("with no linger at all, what came while the sink was busy is the next batch") {
    BatcherFixture f(lingering(0ms));
    f.push("a", "", 0ms);
    REQUIRE(f.take(0ms) == 1U);
    f.push("b", "", 1ms);
    f.push("c", "", 2ms);
    CHECK_FALSE(f.take(3ms));
    f.complete();
    CHECK(f.take(3ms) == 2U);
}

TEST_CASE("a batch closes the moment every live producer is in it") {
    BatcherFixture f(with_barrier(1));
    f.take(0s);
    f.push("a", "", 1ms);
    CHECK(f.take(1ms) == 1U);  // the first producer alone is a full house
    CHECK(f.batch->trigger == Trigger::kBarrier);
    f.complete();
    f.push("b", "", 2ms);
    CHECK_FALSE(f.take(2ms));
    f.push("b", "", 3ms);  // counts once
    CHECK_FALSE(f.take(3ms));
    f.push("a", "", 4ms);
    CHECK(f.take(4ms) == 3U);
    CHECK(f.batch->trigger == Trigger::kBarrier);
    CHECK(f.batch->producers == 2);
    CHECK_FALSE(f.batch->attendance);
}

TEST_CASE("at least so many must be in") {
    BatcherFixture f(with_barrier(3));
    f.take(0s);
    f.push("a", "", 1ms);
    f.push("b", "", 1ms);
    CHECK_FALSE(f.take(2ms));
    f.push("c", "", 2ms);
    CHECK(f.take(2ms) == 3U);
}

TEST_CASE("nobody waits for a producer that has gone") {
    BatcherFixture f(with_barrier(1));
    f.take(0s);
    f.push("a", "", 1ms);
    f.take(1ms);
    f.complete();
    f.push("b", "", 2ms);
    CHECK_FALSE(f.take(2ms));
    f.batcher.forget_connection("a", at(3ms));
    CHECK(f.take(3ms) == 1U);
    CHECK(f.batch->trigger == Trigger::kBarrier);
    CHECK(f.batcher.roster().live() == 1);
}

TEST_CASE("a message that outlives its producer is processed, and waited for by nobody") {
    BatcherFixture f(with_barrier(2));
    f.take(0s);
    f.live = false;
    f.push("dead", "", 1ms);
    CHECK(f.batcher.roster().live() == 0);
    f.live = true;
    f.push("a", "", 2ms);
    CHECK_FALSE(f.take(2ms));  // one of two
    f.push("b", "", 3ms);
    CHECK(f.take(3ms) == 3U);
    CHECK(f.batch->producers == 3);
}

TEST_CASE("a batch that the timer closed says who was missing") {
    BatcherFixture f(with_barrier(3));
    f.take(0s);
    REQUIRE(f.batch->attendance);
    CHECK(f.batch->attendance->live == 0);
    CHECK(f.batch->attendance->missing == 3);
    for (const std::string name : {"a", "b", "c"}) {
        f.push(name, "", 1ms);
    }
    REQUIRE(f.take(1ms) == 3U);
    f.complete();
    f.push("b", "", 2ms);
    REQUIRE(f.take(1s) == 1U);
    REQUIRE(f.batch->attendance);
    CHECK(f.batch->attendance->live == 3);
    CHECK(f.batch->attendance->missing == 2);
    CHECK(f.batch->attendance->waiting_for == Names{"a", "c"});
}

TEST_CASE("a message is gone at its deadline if it has not gone to the sink") {
    BatcherFixture f;
    f.take(0s);
    f.deadline = 10ms;
    f.push("a", "id", 1ms);
    f.deadline = 0ms;
    f.push("b", "", 2ms);
    CHECK(f.batcher.deadline() == at(11ms));
    CHECK(f.take_expired(11ms - 1ns).empty());
    CHECK(f.take_expired(11ms) == Names{"a"});
    CHECK(f.batcher.held() == 1);
    CHECK(f.push("a", "id", 12ms) == kHeld);  // it is a new message
    f.batcher.drain();
    REQUIRE(f.take(13ms) == 2U);
    CHECK(f.batch->bytes == 20);
    CHECK(f.complete() == Names{"b", "a"});
    CHECK(f.batcher.idle());
}

TEST_CASE("a message that is with the sink no longer expires") {
    BatcherFixture f(lingering(0ms));
    f.deadline = 10ms;
    f.push("a", "", 0ms);
    REQUIRE(f.take(0ms) == 1U);
    CHECK(f.take_expired(1h).empty());
    CHECK(f.complete() == Names{"a"});
    CHECK_FALSE(f.batcher.deadline());
}

TEST_CASE("a batch that empties while it waits keeps its number, at size 0") {
    auto options = calm_options();
    options.max_items = 1;
    BatcherFixture f(options);
    f.take(0s);
    f.push("a", "", 1ms);
    REQUIRE(f.take(1ms) == 1U);
    f.deadline = 5ms;
    f.push("b", "", 2ms);
    CHECK(f.take_expired(10ms) == Names{"b"});
    f.complete();
    REQUIRE(f.take(11ms) == 0U);
    CHECK(f.batch->number == 3);
    CHECK(f.batch->bytes == 0);
}

TEST_CASE("a lingering batch that has lost all its messages starts anew") {
    BatcherFixture f(lingering(10ms));
    f.deadline = 5ms;
    f.push("a", "", 0ms);
    CHECK(f.take_expired(5ms) == Names{"a"});
    CHECK_FALSE(f.take(10ms));
    f.deadline = 0ms;
    f.push("b", "", 20ms);
    CHECK_FALSE(f.take(29ms));
    CHECK(f.take(30ms) == 1U);
}

TEST_CASE("messages that expire in crowds leave nothing behind") {
    BatcherFixture f;
    f.take(0s);
    f.deadline = 1ms;
    for (int i = 0; i < 5'000; ++i) {
        f.push("a", "id-" + std::to_string(i), 1ms);
    }
    CHECK(f.take_expired(2ms).size() == 5'000);
    CHECK(f.batcher.idle());
    f.deadline = 0ms;
    f.push("b", "id-1", 3ms);
    f.batcher.drain();
    REQUIRE(f.take(4ms) == 1U);
    CHECK(f.complete() == Names{"b"});
}

TEST_CASE("the timer is late by as much as it closes after its time, the sink's time not counted") {
    BatcherOptions options;
    options.interval = 1s;
    BatcherFixture f(options);
    CHECK(f.take(0s) == 0U);
    CHECK(f.batch->lateness == Duration(0));
    f.push("a", "", 500ms);
    REQUIRE(f.take(1s + 3ms) == 1U);
    CHECK(f.batch->lateness == Duration(3ms));
    f.push("a", "", 1500ms);
    CHECK_FALSE(f.take(2s));
    f.complete();
    REQUIRE(f.take(2500ms) == 1U);
    CHECK(f.batch->lateness == Duration(0));
    f.complete();
    CHECK_FALSE(f.take(2600ms));
    CHECK(f.take(3s + 1ms) == 0U);
    CHECK(f.batch->lateness == Duration(1ms));
}

TEST_CASE("a batch that the timer did not close has no lateness") {
    auto options = calm_options();
    options.max_items = 1;
    BatcherFixture f(options);
    CHECK(f.take(0s) == 0U);
    f.push("a", "", 1s);
    REQUIRE(f.take(2s) == 1U);
    CHECK_FALSE(f.batch->lateness);
}

}  // namespace
}  // namespace blocky::test
