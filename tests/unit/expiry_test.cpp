// Which message expires when, in the order of time.
#include "consumer/expiry.hpp"

#include <cstdint>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Numbers = std::vector<std::uint64_t>;

Numbers take_all(Expiry& expiry, Duration now) {
    Numbers numbers;
    while (const auto number = expiry.take(at(now))) {
        numbers.push_back(*number);
    }
    return numbers;
}

TEST_CASE("without deadlines nothing expires") {
    Expiry expiry;
    CHECK_FALSE(expiry.next());
    CHECK_FALSE(expiry.take(at(1000h)));
}

TEST_CASE("a message expires at its deadline, not before, and once") {
    Expiry expiry;
    expiry.add(at(5ms), 7);
    CHECK(expiry.next() == at(5ms));
    CHECK_FALSE(expiry.take(at(5ms - 1ns)));
    CHECK(expiry.take(at(5ms)) == 7U);
    CHECK_FALSE(expiry.take(at(5ms)));
    CHECK_FALSE(expiry.next());
}

TEST_CASE("messages expire in the order of their deadlines, then of their numbers") {
    Expiry expiry;
    for (const auto& [when, number] : std::vector<std::pair<Duration, std::uint64_t>>{
             {30ms, 1}, {10ms, 2}, {20ms, 3}, {10ms, 4}, {40ms, 5}, {10ms, 6}}) {
        expiry.add(at(when), number);
    }
    CHECK(expiry.next() == at(10ms));
    CHECK(take_all(expiry, 20ms) == Numbers{2, 4, 6, 3});
    CHECK(expiry.next() == at(30ms));
    CHECK(take_all(expiry, 1h) == Numbers{1, 5});
}

TEST_CASE("tidying drops what is no longer held once it is the greater part") {
    Expiry expiry;
    for (std::uint64_t number = 1; number <= 3000; ++number) {
        expiry.add(at(Duration(3000 - number)), number);
    }
    std::size_t asked = 0;
    const auto is_held = [&](std::uint64_t number) {
        ++asked;
        return number % 1000 == 0;
    };
    expiry.tidy(3, is_held);
    CHECK(asked == 3000);
    CHECK(take_all(expiry, 1h) == Numbers{3000, 2000, 1000});
}

TEST_CASE("tidying leaves all as it is while most is held, or there is little of it") {
    Expiry expiry;
    for (std::uint64_t number = 1; number <= 1024; ++number) {
        expiry.add(at(Duration(number)), number);
    }
    const auto never = [](std::uint64_t /*number*/) {
        FAIL_CHECK("asked");
        return false;
    };
    expiry.tidy(0, never);
    for (std::uint64_t number = 1025; number <= 3000; ++number) {
        expiry.add(at(Duration(number)), number);
    }
    expiry.tidy(1000, never);
    CHECK(take_all(expiry, 1h).size() == 3000);
}

}  // namespace
}  // namespace blocky::test
