// One line for a key, some lines a second, and no more memory than for so many keys.
#include "consumer/refused_keys.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/captured_log.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a key is told once, with its address, wherever it comes from next") {
    RefusedKeys keys;
    const TimePoint now{};
    const auto line = keys.refused("KEY", "10.0.0.7", now);
    REQUIRE(line);
    CHECK(contains(*line, "KEY"));
    CHECK(contains(*line, "10.0.0.7"));
    CHECK_FALSE(keys.refused("KEY", "10.0.0.7", now));
    CHECK_FALSE(keys.refused("KEY", "10.0.0.8", now + 1h));
    CHECK(keys.refused("OTHER", "10.0.0.7", now));
}

TEST_CASE("after another list a key is told again") {
    RefusedKeys keys;
    const TimePoint now{};
    CHECK(keys.refused("KEY", "10.0.0.7", now));
    keys.forget();
    CHECK(keys.refused("KEY", "10.0.0.7", now));
}

TEST_CASE("ten lines at once, then one a second; the next one says how many there were none for") {
    RefusedKeys keys;
    TimePoint now{};
    int lines = 0;
    for (int i = 0; i < 1000; ++i) {
        lines += keys.refused("flood-" + std::to_string(i), "10.0.0.7", now) ? 1 : 0;
    }
    CHECK(lines == 10);
    CHECK_FALSE(keys.refused("late", "10.0.0.7", now + 999ms));
    const auto line = keys.refused("late", "10.0.0.7", now + 1s);
    REQUIRE(line);
    CHECK(contains(*line, "and 991 connections"));
    CHECK_FALSE(keys.refused("later", "10.0.0.7", now + 1s));
    now += 1h;
    lines = 0;
    for (int i = 1000; i < 2000; ++i) {
        lines += keys.refused("flood-" + std::to_string(i), "10.0.0.7", now) ? 1 : 0;
    }
    CHECK(lines == 10);
}

TEST_CASE("only the latest keys are remembered") {
    RefusedKeys keys;
    TimePoint now{};
    for (std::size_t i = 0; i <= RefusedKeys::kRemembered; ++i) {
        now += 1s;
        CHECK(keys.refused("key-" + std::to_string(i), "10.0.0.7", now));
    }
    now += 1h;
    CHECK_FALSE(keys.refused("key-1", "10.0.0.7", now));
    CHECK(keys.refused("key-0", "10.0.0.7", now));
    CHECK(keys.refused("key-1", "10.0.0.7", now));  // in its place
}

}  // namespace
}  // namespace blocky::test
