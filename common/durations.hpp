// Remembers many durations in little, fixed memory and answers which one lies in the middle:
// how long messages were held (median, worst). Buckets widen with the value, 32 to a doubling,
// so a quantile is at most 4 % too long; the longest is exact.
// The idea is that of HdrHistogram, for which Debian 12 has no C or C++ package.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/clock.hpp"

namespace blocky {

class Durations {
public:
    // Negative durations count as zero. O(1), no allocation.
    void record(Duration duration);

    std::uint64_t count() const { return count_; }
    Duration longest() const { return longest_; }

    // The duration that `share` (0 to 1) of all recorded ones do not exceed; zero when empty.
    Duration quantile(double share) const;

private:
    static constexpr unsigned kStepBits = 5;  // 32 steps to a doubling
    static constexpr std::size_t kSteps = 1U << kStepBits;

    static std::size_t bucket_of(std::uint64_t nanoseconds);
    static std::uint64_t upper_end_of(std::size_t bucket);

    std::array<std::uint64_t, kSteps*(64 - kStepBits + 1)> counts_{};
    std::uint64_t count_ = 0;
    Duration longest_{0};
};

}  // namespace blocky
