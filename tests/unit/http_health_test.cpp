// When the consumer is well, and when it is ready.
#include <chrono>

#include <doctest/doctest.h>

#include "consumer/http/health.hpp"

namespace blocky::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kStall = seconds(30);
const TimePoint kNow = TimePoint(seconds(1'000));

// A loop that has just turned, and a sink that has nothing to do.
Signs serving() {
    return {kNow - milliseconds(10), Snapshot::State::kServing, {}};
}

Signs busy_for(Duration duration) {
    auto signs = serving();
    signs.sink.busy_since = kNow - duration;
    signs.sink.batch = 7;
    return signs;
}

Signs failing_for(Duration duration) {
    auto signs = busy_for(duration);
    signs.sink.failing_since = kNow - duration;
    signs.sink.reason = "disk full";
    return signs;
}

void check(const Health& found, bool well, const std::string& text) {
    CHECK(found.well == well);
    CHECK(found.text == text);
}

}  // namespace

TEST_CASE("a consumer that serves is well and ready") {
    check(health(serving(), kStall, kNow), true, "ok");
    check(readiness(serving(), kStall, kNow), true, "ready");
}

TEST_CASE("while it starts it is well, and not ready") {
    check(health({}, kStall, kNow), true, "starting");
    check(readiness({}, kStall, kNow), false, "starting");
    auto beating = serving();
    beating.state.reset();
    check(readiness(beating, kStall, kNow), false, "starting");
}

TEST_CASE("a loop that does not turn is a stall, once that has lasted") {
    auto signs = serving();
    signs.last_beat = kNow - kStall;
    check(health(signs, kStall, kNow), true, "ok");
    signs.last_beat = kNow - milliseconds(31'500);
    check(health(signs, kStall, kNow), false, "the loop has not turned for 31 s");
    check(readiness(signs, kStall, kNow), false, "the loop has not turned for 31 s");
}

TEST_CASE("a sink that keeps one batch is a stall, once that has lasted") {
    check(health(busy_for(kStall), kStall, kNow), true, "ok");
    check(readiness(busy_for(kStall), kStall, kNow), true, "ready");
    const auto* const text = "the sink has had batch 7 for 31 s";
    check(health(busy_for(seconds(31)), kStall, kNow), false, text);
    check(readiness(busy_for(seconds(31)), kStall, kNow), false, text);
}

TEST_CASE("a sink that fails is not ready at once, and a stall once that has lasted") {
    check(health(failing_for(seconds(2)), kStall, kNow), true, "ok");
    check(readiness(failing_for(seconds(2)), kStall, kNow), false,
          "the sink has been failing for 2 s: disk full");
    check(health(failing_for(seconds(40)), kStall, kNow), false,
          "the sink has had batch 7 for 40 s: disk full");
}

TEST_CASE("a reason of the past is not told") {
    auto signs = busy_for(seconds(31));
    signs.sink.reason = "disk full";
    check(health(signs, kStall, kNow), false, "the sink has had batch 7 for 31 s");
}

TEST_CASE("a consumer that drains or has stopped is well, and not ready") {
    auto signs = serving();
    signs.state = Snapshot::State::kDraining;
    check(health(signs, kStall, kNow), true, "ok");
    check(readiness(signs, kStall, kNow), false, "draining");
    signs.state = Snapshot::State::kStopped;
    check(readiness(signs, kStall, kNow), false, "stopped");
}

}  // namespace blocky::test
