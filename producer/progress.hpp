// The progress line on a terminal: how many messages, how fast, how far.
#pragma once

#include <cstdint>
#include <optional>

#include "common/clock.hpp"

namespace blocky {

class Progress {
public:
    // Shows nothing unless stderr is a terminal that the replies do not go to as well.
    explicit Progress(bool prints_replies);
    // Leaves the last state of the line on the screen.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // Whether there is anybody to show it to; update() does nothing else.
    bool shown() const { return shown_; }

    // After each message; draws a few times a second at most. `share_done` is 0 to 1, if known.
    void update(std::uint64_t acknowledged, std::optional<double> share_done);

private:
    void draw(TimePoint now);

    bool shown_;
    bool drawn_ = false;
    TimePoint start_;
    TimePoint drawn_at_;
    std::uint64_t acknowledged_ = 0;
    std::optional<double> share_done_;
};

}  // namespace blocky
