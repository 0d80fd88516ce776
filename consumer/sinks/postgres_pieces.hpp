// How many messages one statement takes, where the server ends those that take too long: as many as
// it has time for, so that a batch always gets on, however slow a trigger or a lock makes it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "common/clock.hpp"

namespace blocky {

class PostgresPieces {
public:
    // The whole batch, until a statement was too slow.
    std::size_t most() const { return most_; }

    // Ended by the server after that time, with nothing stored.
    void was_too_slow(std::size_t messages, Duration after) {
        most_ = std::max(messages / 2, std::size_t{1});
        allowed_ = std::max(allowed_, after);
    }

    // Twice as many would have had time enough, and again as much for bad luck. It grows back
    // because what made it slow, such as a lock, may be gone.
    void was_stored(std::size_t messages, Duration took) {
        if (messages == most_ && took < allowed_ / 4) {
            most_ *= 2;
        }
    }

private:
    std::size_t most_ = std::numeric_limits<std::size_t>::max();
    Duration allowed_{0};  // the longest that a statement had before it was ended
};

}  // namespace blocky
