// The two kinds of timer: ticks on a grid, or so long after a batch's first message.
#include "consumer/close_timer.hpp"

#include <optional>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("ticks are due at the start and then at a fixed rate, whatever happens to batches") {
    CloseTimer timer(10ms, std::nullopt, at(0s));
    CHECK_FALSE(timer.is_due(at(-1ns)));
    CHECK(timer.is_due(at(0s)));
    timer.batch_opened(at(0s));
    timer.batch_closed();
    CHECK(timer.due_at() == at(0s));
    timer.fired(at(0s));
    CHECK(timer.due_at() == at(10ms));
    timer.batch_opened(at(7ms));
    CHECK(timer.due_at() == at(10ms));
    timer.batch_closed();
    CHECK_FALSE(timer.is_due(at(10ms - 1ns)));
    CHECK(timer.is_due(at(10ms)));
}

TEST_CASE("a tick that is noticed late moves no other, and those slept through are one") {
    CloseTimer timer(10ms, std::nullopt, at(0s));
    timer.fired(at(9ms));
    CHECK(timer.due_at() == at(10ms));
    timer.fired(at(20ms));  // the tick at 20 ms is this one, too
    CHECK(timer.due_at() == at(30ms));
    timer.fired(at(1h + 5ms));
    CHECK(timer.due_at() == at(1h + 10ms));
}

TEST_CASE("ticks neither drift nor overflow over a hundred years of microseconds") {
    CloseTimer timer(1us, std::nullopt, at(0s));
    timer.fired(at(24h * 36'500));
    CHECK(timer.due_at() == at(24h * 36'500 + 1us));
}

TEST_CASE("with a linger nothing is due until a batch has its first message") {
    CloseTimer timer(10ms, 3ms, at(0s));
    CHECK_FALSE(timer.due_at());
    CHECK_FALSE(timer.is_due(at(1h)));
    timer.batch_opened(at(1s));
    CHECK(timer.due_at() == at(1s + 3ms));
    CHECK_FALSE(timer.is_due(at(1s + 3ms - 1ns)));
    CHECK(timer.is_due(at(1s + 3ms)));
}

TEST_CASE("a linger ends with its batch, and begins anew with the next") {
    CloseTimer timer(10ms, 3ms, at(0s));
    timer.batch_opened(at(1s));
    timer.fired(at(2s));  // it stays due until the batch is closed
    CHECK(timer.is_due(at(2s)));
    timer.batch_closed();
    CHECK_FALSE(timer.due_at());
    timer.batch_opened(at(5s));
    CHECK(timer.due_at() == at(5s + 3ms));
}

TEST_CASE("without any linger a batch is due the moment it has a message") {
    CloseTimer timer(10ms, 0ms, at(0s));
    CHECK_FALSE(timer.is_due(at(1h)));
    timer.batch_opened(at(1h));
    CHECK(timer.is_due(at(1h)));
}

}  // namespace
}  // namespace blocky::test
