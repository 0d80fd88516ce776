// Log-linear buckets of durations.
#include "common/durations.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace blocky {

void Durations::record(Duration duration) {
    const Duration held = std::max(duration, Duration::zero());
    ++counts_[bucket_of(static_cast<std::uint64_t>(held.count()))];
    ++count_;
    longest_ = std::max(longest_, held);
}

Duration Durations::quantile(double share) const {
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
        seen += counts_[bucket];
        if (seen > 0 && seen >= rank) {
            return std::min(longest_, Duration(upper_end_of(bucket)));
        }
    }
    return Duration::zero();
}

// Small values have a bucket each; above, the highest kStepBits+1 bits of a value name its bucket.
std::size_t Durations::bucket_of(std::uint64_t nanoseconds) {
    if (nanoseconds < kSteps) {
        return nanoseconds;
    }
    const auto doubling = static_cast<unsigned>(std::bit_width(nanoseconds)) - kStepBits;
    return doubling * kSteps + ((nanoseconds >> (doubling - 1)) - kSteps);
}

std::uint64_t Durations::upper_end_of(std::size_t bucket) {
    if (bucket < kSteps) {
        return bucket;
    }
    const auto doubling = bucket / kSteps;
    return ((bucket % kSteps + kSteps + 1) << (doubling - 1)) - 1;
}

}  // namespace blocky
