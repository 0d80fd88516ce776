// What is put up is read by others, who may wait for it.
#include "consumer/status_board.hpp"

#include <future>

#include <doctest/doctest.h>

#include "tests/support/deadline.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

std::shared_ptr<const Snapshot> a_snapshot() {
    return std::make_shared<const Snapshot>();
}

TEST_CASE("nothing is up, and nobody has turned, at first") {
    const SinkActivity activity;
    const StatusBoard board(activity);
    CHECK(board.latest() == nullptr);
    CHECK_FALSE(board.last_beat());
    CHECK(board.wait_for_other(nullptr, 1ms) == nullptr);
}

TEST_CASE("whoever has seen the latest one waits for the next") {
    const SinkActivity activity;
    StatusBoard board(activity);
    const auto first = a_snapshot();
    const auto second = a_snapshot();
    board.put_up(first);
    CHECK(board.wait_for_other(nullptr, 1h) == first);
    CHECK(board.wait_for_other(first, 1ms) == first);
    auto next = std::async(std::launch::async, [&] { return board.wait_for_other(first, 1h); });
    board.put_up(second);
    CHECK(get(next) == second);
}

TEST_CASE("nobody waits at a board that is closed") {
    const SinkActivity activity;
    StatusBoard board(activity);
    const auto last = a_snapshot();
    board.put_up(last);
    auto next = std::async(std::launch::async, [&] { return board.wait_for_other(last, 1h); });
    board.close();
    CHECK(get(next) == last);
    CHECK(board.wait_for_other(last, 1h) == last);
}

TEST_CASE("the sink is shown as it is, however old the snapshot") {
    SinkActivity activity;
    StatusBoard board(activity);
    board.put_up(a_snapshot());
    activity.begun(3, at(1s));
    CHECK(board.sink().busy_since == at(1s));
    CHECK_FALSE(board.latest()->sink.busy_since);
}

}  // namespace
}  // namespace blocky::test
