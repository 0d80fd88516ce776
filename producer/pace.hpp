// Spaces messages evenly (--rate), without a burst after a wait for a reply.
#pragma once

#include <optional>

#include "common/clock.hpp"

namespace blocky {

class Pace {
public:
    // Messages a second; nothing: no limit, and no cost.
    explicit Pace(std::optional<double> rate);

    // When the next message's turn is; TimePoint::min() without a limit.
    TimePoint next() const { return next_; }
    // Waits for it; false when `stop_descriptor` is readable first.
    bool wait(int stop_descriptor) const;
    // A message takes its turn.
    void take();

private:
    std::optional<Duration> spacing_;
    TimePoint next_ = TimePoint::min();
};

}  // namespace blocky
