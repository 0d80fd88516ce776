// The histogram of hold times: quantiles at most 4 % too long, the longest exact.
#include "common/durations.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("without a duration every quantile is zero") {
    const Durations durations;
    CHECK(durations.count() == 0);
    CHECK(durations.longest() == 0ns);
    CHECK(durations.quantile(0) == 0ns);
    CHECK(durations.quantile(0.5) == 0ns);
    CHECK(durations.quantile(1) == 0ns);
}

TEST_CASE("a single duration is every quantile, exactly") {
    for (const Duration only : {Duration(0ns), Duration(31ns), Duration(32ns), Duration(998ms),
                                Duration(100h), Duration::max()}) {
        Durations durations;
        durations.record(only);
        CAPTURE(only.count());
        CHECK(durations.quantile(0) == only);
        CHECK(durations.quantile(0.5) == only);
        CHECK(durations.quantile(1) == only);
        CHECK(durations.longest() == only);
    }
}

TEST_CASE("a negative duration counts as zero") {
    Durations durations;
    durations.record(-5ms);
    CHECK(durations.count() == 1);
    CHECK(durations.longest() == 0ns);
    CHECK(durations.quantile(1) == 0ns);
}

TEST_CASE("durations below 32 ns are told apart exactly") {
    Durations durations;
    for (int i = 0; i < 32; ++i) {
        durations.record(Duration(i));
    }
    for (int i = 1; i <= 32; ++i) {
        CHECK(durations.quantile(i / 32.0) == Duration(i - 1));
    }
}

TEST_CASE("a quantile is never too short and at most 4 percent too long") {
    std::mt19937_64 random(42);
    std::uniform_real_distribution<double> exponent(0, 40);
    Durations durations;
    std::vector<Duration> all;
    for (int i = 0; i < 10'000; ++i) {
        all.emplace_back(static_cast<std::int64_t>(std::exp(exponent(random))));
        durations.record(all.back());
    }
    std::ranges::sort(all);
    for (const double share : {0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0}) {
        CAPTURE(share);
        const auto rank = static_cast<std::size_t>(std::ceil(share * 10'000)) - 1;
        const auto exact = static_cast<double>(all[rank].count());
        const auto found = static_cast<double>(durations.quantile(share).count());
        CHECK(found >= exact);
        CHECK(found <= exact * 1.04);
    }
    CHECK(durations.longest() == all.back());
    CHECK(durations.quantile(1) == all.back());
    CHECK(durations.count() == 10'000);
}

TEST_CASE("the median of two is the shorter one") {
    Durations durations;
    durations.record(1s);
    durations.record(2s);
    CHECK(durations.quantile(0.5) < 1040ms);
    CHECK(durations.quantile(0.51) == 2s);
}

}  // namespace
}  // namespace blocky::test
