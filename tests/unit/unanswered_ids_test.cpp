// What was sent in vain: since when, behind what, and when only reading back tells.
#include "consumer/sinks/unanswered_ids.hpp"

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("the first time that it was sent counts") {
    UnansweredIds ids;
    CHECK_FALSE(ids.find("a"));
    ids.add("a", {at(1s), 10});
    ids.add("a", {at(2s), 20});
    REQUIRE(ids.find("a"));
    CHECK(ids.find("a")->first_at == at(1s));
    CHECK(ids.find("a")->after_sequence == 10);
    CHECK_FALSE(ids.find("b"));
}

TEST_CASE("what was answered is forgotten") {
    UnansweredIds ids;
    ids.add("a", {at(1s), 10});
    ids.remove("a");
    ids.remove("never there");
    CHECK(ids.empty());
}

TEST_CASE("what was absent can only have been stored since") {
    UnansweredIds ids;
    ids.add("a", {at(1s), 10});
    ids.was_absent("a", {at(5s), 50});
    ids.was_absent("b", {at(5s), 50});
    CHECK(ids.find("a")->first_at == at(5s));
    CHECK(ids.find("a")->after_sequence == 50);
    CHECK_FALSE(ids.find("b"));
}

TEST_CASE("beyond half the duplicate window it must be read back") {
    const UnansweredIds::Sent sent{at(10s), 0};
    CHECK_FALSE(must_be_read_back(sent, at(10s), 1min));
    CHECK_FALSE(must_be_read_back(sent, at(40s), 1min));
    CHECK(must_be_read_back(sent, at(40s + 1ns), 1min));
    CHECK(must_be_read_back(sent, at(10s + 1ns), 0s));
}

}  // namespace
}  // namespace blocky::test
