// Random values for the property tests. The seed is printed once per program, and BLOCKY_SEED sets
// it: one seed, one run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

namespace blocky::test {

inline std::uint64_t seed() {
    static const std::uint64_t chosen = [] {
        const char* const given = std::getenv("BLOCKY_SEED");
        const std::uint64_t value =
            given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
        std::cout << "BLOCKY_SEED=" << value << " repeats this run" << std::endl;
        return value;
    }();
    return chosen;
}

class Random {
public:
    std::uint64_t next() { return engine_(); }
    // 0 … end−1.
    std::size_t below(std::size_t end) { return next() % end; }
    // least … most.
    std::size_t between(std::size_t least, std::size_t most) {
        return least + below(most - least + 1);
    }
    bool one_in(std::size_t times) { return below(times) == 0; }
    template <typename Value>
    const Value& pick(const std::vector<Value>& values) {
        return values[below(values.size())];
    }
    std::string bytes(std::size_t size) {
        std::string text;
        for (std::size_t i = 0; i < size; ++i) {
            text += static_cast<char>(next());
        }
        return text;
    }

private:
    std::mt19937_64 engine_{seed()};
};

}  // namespace blocky::test
