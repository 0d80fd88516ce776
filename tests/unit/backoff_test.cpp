// The delays between tries: doubling, bounded, and never the same for all.
#include "common/backoff.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

std::vector<Duration> delays(std::uint64_t seed, int count) {
    Backoff backoff(100ms, 5s, seed);
    std::vector<Duration> result;
    for (int i = 0; i < count; ++i) {
        result.push_back(backoff.next());
    }
    return result;
}

TEST_CASE("each delay lies between half and the whole of a doubling one, up to the longest") {
    const std::vector<Duration> wholes{100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5s, 5s, 5s};
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const auto actual = delays(seed, static_cast<int>(wholes.size()));
        for (std::size_t i = 0; i < wholes.size(); ++i) {
            CAPTURE(i);
            CHECK(actual[i] >= wholes[i] / 2);
            CHECK(actual[i] <= wholes[i]);
        }
    }
}

TEST_CASE("those who failed together do not come back together") {
    CHECK(delays(1, 5) != delays(2, 5));
    CHECK(delays(1, 5) == delays(1, 5));
}

TEST_CASE("after a success the delay is a first one again") {
    Backoff backoff(100ms, 5s, 1);
    for (int i = 0; i < 10; ++i) {
        backoff.next();
    }
    backoff.reset();
    CHECK(backoff.next() <= 100ms);
    CHECK(backoff.next() <= 200ms);
}

TEST_CASE("a thousand failures do not make the delay overflow") {
    for (const auto delay : delays(7, 1000)) {
        CHECK(delay > 0ms);
        CHECK(delay <= 5s);
    }
}

}  // namespace
}  // namespace blocky::test
