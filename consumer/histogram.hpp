// Counts whole numbers (nanoseconds, messages) into buckets whose bounds are fixed, as Prometheus'
// histograms do. Plain value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace blocky {

template <std::size_t Bounds>
class Histogram {
public:
    // Rising; a bucket holds what is at most its bound and above the one before it.
    explicit constexpr Histogram(const std::array<std::uint64_t, Bounds>& bounds)
        : bounds_(bounds) {}

    // Few enough bounds to look at all of them: that has no branch to guess wrong.
    void observe(std::uint64_t value) {
        std::size_t bucket = 0;
        for (const auto bound : bounds_) {
            bucket += value > bound ? 1U : 0U;
        }
        ++counts_[bucket];
        sum_ += static_cast<double>(value);
    }

    const std::array<std::uint64_t, Bounds>& bounds() const { return bounds_; }
    // Of each bucket alone; the last one is for what is above all bounds.
    const std::array<std::uint64_t, Bounds + 1>& counts() const { return counts_; }
    double sum() const { return sum_; }

private:
    std::array<std::uint64_t, Bounds> bounds_;
    std::array<std::uint64_t, Bounds + 1> counts_{};
    double sum_ = 0;
};

}  // namespace blocky
