// A check that stays on in release builds: when it fails the program is wrong, not its input, and
// going on could answer `ok` for a message that was lost.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace blocky {

// Prints `rule`, which has been broken, and aborts.
inline void invariant(bool holds, const char* rule) {
    if (!holds) {
        std::fprintf(stderr, "broken invariant: %s\n", rule);
        std::abort();
    }
}

}  // namespace blocky
