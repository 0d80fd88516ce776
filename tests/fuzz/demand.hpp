// What the targets of fuzzing share: each defines LLVMFuzzerTestOneInput, which libFuzzer calls
// with bytes of its own making, and replay.cpp with those of the files in corpus/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// Declared by libFuzzer, for which the target is a plain C function.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace blocky::fuzz {

// A broken promise ends the process: libFuzzer then keeps the input.
inline void demand(bool holds, const char* promise) {
    if (!holds) {
        std::fprintf(stderr, "broken promise: %s\n", promise);
        std::abort();
    }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// Takes one byte from the front as a number; 0 when there is none.
inline std::size_t take_number(std::string_view& text) {
    if (text.empty()) {
        return 0;
    }
    const auto number = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    return number;
}

}  // namespace blocky::fuzz
