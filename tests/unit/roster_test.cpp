// Who is live, who is in the open batch, and who is missing.
#include "consumer/roster.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("nobody is live before a message was accepted") {
    const Roster roster;
    CHECK(roster.live() == 0);
    CHECK(roster.present() == 0);
    CHECK_FALSE(roster.is_live("a"));
    CHECK_FALSE(roster.is_full(1));
    CHECK(roster.attendance(3).missing == 3);
    CHECK(roster.attendance(3).waiting_for.empty());
}

TEST_CASE("it is full when all who are live, and enough, are in") {
    Roster roster;
    roster.enter("a", "p-a");
    CHECK(roster.is_full(1));
    CHECK_FALSE(roster.is_full(2));
    roster.note("b", "p-b");
    CHECK(roster.live() == 2);
    CHECK(roster.present() == 1);
    CHECK_FALSE(roster.is_full(1));
    roster.enter("b", "p-b");
    CHECK(roster.is_full(2));
    CHECK_FALSE(roster.is_full(3));
}

TEST_CASE("one connection counts once, and is in until its last message has left") {
    Roster roster;
    auto* const a = roster.enter("a", "");
    CHECK(roster.enter("a", "") == a);
    roster.enter("b", "");
    CHECK(roster.present() == 2);
    roster.leave(a);
    CHECK(roster.present() == 2);
    CHECK(roster.is_full(2));
    roster.leave(a);
    CHECK(roster.present() == 1);
    CHECK(roster.is_live("a"));
    CHECK_FALSE(roster.is_full(1));
    roster.enter("a", "");
    CHECK(roster.is_full(2));
}

TEST_CASE("who is not in cannot leave") {
    Roster roster;
    roster.leave(roster.note("a", ""));
    CHECK(roster.present() == 0);
    auto* const b = roster.enter("b", "");
    roster.turn_page();
    roster.leave(b);
    CHECK(roster.present() == 0);
    CHECK(roster.live() == 2);
}

TEST_CASE("a new page has nobody in, and all who are live") {
    Roster roster;
    roster.enter("a", "");
    roster.enter("b", "");
    roster.turn_page();
    CHECK(roster.live() == 2);
    CHECK(roster.present() == 0);
    CHECK_FALSE(roster.is_full(1));
    roster.enter("b", "");
    CHECK_FALSE(roster.is_full(1));
    roster.enter("a", "");
    CHECK(roster.is_full(2));
}

TEST_CASE("who has gone is not waited for, and stays in the batch that it is in") {
    Roster roster;
    roster.enter("a", "");
    roster.note("b", "");
    roster.forget("b");
    CHECK(roster.is_full(1));
    roster.enter("c", "");
    roster.forget("c");
    CHECK_FALSE(roster.is_live("c"));
    CHECK(roster.live() == 1);
    CHECK(roster.present() == 2);
    CHECK(roster.is_full(1));
    CHECK_FALSE(roster.is_full(2));
    roster.turn_page();
    CHECK(roster.present() == 0);
    CHECK(roster.live() == 1);
}

TEST_CASE("who has gone twice, or was never there, has gone once") {
    Roster roster;
    roster.forget("nobody");
    roster.enter("a", "");
    roster.forget("a");
    roster.forget("a");
    CHECK(roster.live() == 0);
    roster.turn_page();
    roster.forget("a");
    CHECK(roster.live() == 0);
    CHECK_FALSE(roster.is_full(1));
}

TEST_CASE("messages of who has gone come and leave without bringing it back") {
    Roster roster;
    roster.enter("a", "");
    roster.forget("a");
    auto* const a = roster.enter("a", "");
    CHECK(roster.live() == 0);
    CHECK(roster.present() == 1);
    roster.leave(a);
    roster.leave(a);
    CHECK(roster.present() == 0);
    roster.enter("a", "");
    CHECK(roster.present() == 1);
    CHECK(roster.live() == 0);
    CHECK_FALSE(roster.is_full(1));
}

TEST_CASE("a connection that comes again after it was forgotten is a new one") {
    Roster roster;
    roster.release(roster.note("a", "old"), 0);
    roster.forget("a");
    roster.note("a", "new");
    CHECK(roster.live() == 1);
    CHECK(roster.attendance(1).waiting_for == Names{"new"});
}

TEST_CASE("what a producer has in there counts until it is released, in whichever batch it is") {
    Roster roster;
    auto* const a = roster.enter("a", "");
    Roster::charge(a, 10);
    Roster::charge(roster.note("a", ""), 5);
    roster.turn_page();
    CHECK(roster.holding("a").messages == 2);
    CHECK(roster.holding("a").bytes == 15);
    roster.enter("b", "");
    CHECK(roster.holding("a").messages == 2);
    roster.release(a, 10);
    CHECK(roster.holding("a").messages == 1);
    CHECK(roster.holding("a").bytes == 5);
    CHECK(roster.holding("nobody").messages == 0);
}

TEST_CASE("who has gone is remembered until nothing of it is held any more") {
    Roster roster;
    auto* const a = roster.enter("a", "");
    roster.enter("a", "");
    roster.forget("a");
    roster.turn_page();
    roster.release(a, 0);
    CHECK(roster.holding("a").messages == 1);
    CHECK(roster.enter("a", "") == a);
    roster.leave(a);
    roster.release(a, 0);
    roster.release(a, 0);
    CHECK(roster.holding("a").messages == 0);
    CHECK(roster.live() == 0);
    roster.enter("a", "");
    CHECK(roster.live() == 1);
}

TEST_CASE("the missing are named, in order, by what they called themselves last") {
    Roster roster;
    for (const std::string name : {"c", "a", "b"}) {
        roster.note("connection-" + name, name);
    }
    roster.note("connection-c", "renamed");
    roster.note("connection-a", "");
    roster.enter("connection-b", "b");
    const auto attendance = roster.attendance(1);
    CHECK(attendance.live == 3);
    CHECK(attendance.missing == 2);
    CHECK(attendance.waiting_for == Names{"a", "renamed"});
}

TEST_CASE("more may be missing than are live") {
    Roster roster;
    roster.enter("a", "a");
    roster.note("b", "b");
    const auto attendance = roster.attendance(5);
    CHECK(attendance.live == 2);
    CHECK(attendance.missing == 4);
    CHECK(attendance.waiting_for == Names{"b"});
}

TEST_CASE("who has no name goes by its connection, in hex") {
    Roster roster;
    roster.note(std::string("\0\xAB\x01z", 4), "");
    roster.note("x", "");
    CHECK(roster.attendance(1).waiting_for == Names{"00ab017a", "78"});
}

TEST_CASE("at most ten are named, however many are missing") {
    Roster roster;
    for (int i = 0; i < 1000; ++i) {
        roster.note("connection-" + std::to_string(i), std::to_string(i));
    }
    const auto attendance = roster.attendance(1);
    CHECK(attendance.missing == 1000);
    CHECK(attendance.waiting_for.size() == 10);
    CHECK(std::ranges::is_sorted(attendance.waiting_for));
}

TEST_CASE("a batch with a full house misses nobody") {
    Roster roster;
    roster.enter("a", "a");
    CHECK(roster.attendance(1).missing == 0);
    CHECK(roster.attendance(1).waiting_for.empty());
}

}  // namespace
}  // namespace blocky::test
