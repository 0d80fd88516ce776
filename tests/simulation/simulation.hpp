// One run: a scenario drawn from a seed, played to its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace blocky::simulation {

struct Outcome {
    std::string scenario;                  // described
    std::optional<std::string> violation;  // which promise was broken
    std::uint64_t events = 0;
};

Outcome simulate(std::uint64_t seed);

}  // namespace blocky::simulation
