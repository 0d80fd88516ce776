// How long to wait before trying again: doubling from a first delay to a longest one, with jitter,
// so that many who failed together do not come back together. Pure: the randomness is handed in.
#pragma once

#include <cstdint>
#include <random>

#include "common/clock.hpp"

namespace blocky {

class Backoff {
public:
    // Delays lie between half and the whole of first, 2·first, 4·first … up to longest.
    Backoff(Duration first, Duration longest, std::uint64_t seed);

    // The delay before the next try.
    Duration next();

    // The next delay is a first one again: something has succeeded.
    void reset() { current_ = first_; }

private:
    Duration first_;
    Duration longest_;
    Duration current_;
    std::mt19937_64 random_;
};

}  // namespace blocky
