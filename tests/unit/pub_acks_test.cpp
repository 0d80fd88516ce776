// Answers to publications: by id, in any order, from another thread, or not at all.
#include "consumer/sinks/pub_acks.hpp"

#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Kind = PubAck::Kind;

struct Expecting {
    Expecting() { acks.expect(publications); }
    bool arrived(std::size_t count) { return acks.wait(count, Clock::now()); }
    std::vector<Publication> publications{
        {"a", {}, "1", 1, {}}, {"b", {}, "2", 1, {}}, {"c", {}, "3", 1, {}}};
    PubAcks acks;
};

TEST_CASE("answers find their publications in any order") {
    Expecting expecting;
    expecting.acks.note("c", {Kind::kStored, 7, {}});
    expecting.acks.note("a", {Kind::kDuplicate, 3, {}});
    CHECK_FALSE(expecting.arrived(3));
    expecting.acks.note("b", {Kind::kRefused, 0, "too large"});
    CHECK(expecting.arrived(3));
    CHECK_FALSE(expecting.acks.hopeless());
    const auto acks = expecting.acks.take("none");
    REQUIRE(acks.size() == 3);
    CHECK(acks[0].kind == Kind::kDuplicate);
    CHECK(acks[0].sequence == 3);
    CHECK(acks[1].kind == Kind::kRefused);
    CHECK(acks[1].reason == "too large");
    CHECK(acks[2].kind == Kind::kStored);
}

TEST_CASE("a second answer and one to an unknown id count for nothing") {
    Expecting expecting;
    expecting.acks.note("a", {Kind::kStored, 1, {}});
    expecting.acks.note("a", {Kind::kUnanswered, 0, "late"});
    expecting.acks.note("x", {Kind::kStored, 2, {}});
    CHECK(expecting.arrived(1));
    CHECK_FALSE(expecting.arrived(2));
    CHECK_FALSE(expecting.acks.hopeless());
    CHECK(expecting.acks.take("none")[0].kind == Kind::kStored);
}

TEST_CASE("what was never sent has the reason of what was in vain") {
    Expecting expecting;
    expecting.acks.note("b", {Kind::kUnanswered, 0, "no leader"});
    CHECK(expecting.acks.hopeless());
    const auto acks = expecting.acks.take("none");
    for (const auto& ack : acks) {
        CHECK(ack.kind == Kind::kUnanswered);
        CHECK(ack.reason == "no leader");
    }
    expecting.acks.expect(expecting.publications);
    CHECK_FALSE(expecting.acks.hopeless());
    CHECK(expecting.acks.take("none")[2].reason == "none");
}

TEST_CASE("an answer from another thread ends the wait") {
    Expecting expecting;
    const std::jthread library([&expecting] {
        for (const auto* const id : {"a", "b", "c"}) {
            expecting.acks.note(id, {Kind::kStored, 1, {}});
        }
    });
    CHECK(expecting.acks.wait(3, Clock::now() + 10s));
}

}  // namespace
}  // namespace blocky::test
