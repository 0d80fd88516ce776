// The timerfd behind the router's ticks. The one unit test that reads the real clock.
#include "consumer/timer.hpp"

#include <doctest/doctest.h>

#include "tests/support/deadline.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a timer is readable from its time on, and no sooner") {
    Timer timer;
    CHECK_FALSE(readable_now(timer.descriptor()));
    const TimePoint due = Clock::now() + 20ms;
    timer.arm(due);
    CHECK(readable(timer.descriptor()));
    CHECK(Clock::now() >= due);
    CHECK(readable_now(timer.descriptor()));
}

TEST_CASE("a time that has passed is readable at once") {
    Timer timer;
    timer.arm(Clock::now() - 1h);
    CHECK(readable(timer.descriptor()));
    timer.arm(TimePoint{});
    CHECK(readable(timer.descriptor()));
}

TEST_CASE("arming anew and disarming silence a timer that has gone off") {
    Timer timer;
    timer.arm(Clock::now() - 1s);
    REQUIRE(readable(timer.descriptor()));
    timer.arm(Clock::now() + 1h);
    CHECK_FALSE(readable_now(timer.descriptor()));
    timer.arm(Clock::now() - 1s);
    REQUIRE(readable(timer.descriptor()));
    timer.arm(std::nullopt);
    CHECK_FALSE(readable_now(timer.descriptor()));
}

}  // namespace
}  // namespace blocky::test
