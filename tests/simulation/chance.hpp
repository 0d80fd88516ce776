// All chance of one run. The same seed gives the same numbers on every machine.
#pragma once

#include <cstdint>
#include <random>

#include "common/clock.hpp"

namespace blocky::simulation {

class Chance {
public:
    explicit Chance(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t next() { return engine_(); }
    // least … most.
    std::uint64_t between(std::uint64_t least, std::uint64_t most) {
        return least + next() % (most - least + 1);
    }
    Duration between(Duration least, Duration most) {
        return least + Duration(static_cast<Duration::rep>(
                           next() % static_cast<std::uint64_t>((most - least).count() + 1)));
    }
    // Never for 0.
    bool one_in(std::uint64_t times) { return times > 0 && next() % times == 0; }
    template <typename Value, std::size_t kCount>
    Value pick(const Value (&values)[kCount]) {
        return values[next() % kCount];
    }

private:
    std::mt19937_64 engine_;
};

}  // namespace blocky::simulation
