// Exponential backoff with jitter.
#include "common/backoff.hpp"

#include <algorithm>

namespace blocky {

Backoff::Backoff(Duration first, Duration longest, std::uint64_t seed)
    : first_(first), longest_(longest), current_(first), random_(seed) {}

Duration Backoff::next() {
    std::uniform_int_distribution<Duration::rep> jitter(current_.count() / 2, current_.count());
    const Duration delay(jitter(random_));
    current_ = std::min(current_ * 2, longest_);
    return delay;
}

}  // namespace blocky
