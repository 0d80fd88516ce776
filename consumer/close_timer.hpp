// When the timer closes a batch: at ticks of a fixed rate (--interval), or so long after the
// batch's first message (--linger). Pure.
#pragma once

#include <optional>

#include "common/clock.hpp"

namespace blocky {

class CloseTimer {
public:
    // The first tick is due at `start`, the n-th n−1 intervals later. With a linger there are none.
    CloseTimer(Duration interval, std::optional<Duration> linger, TimePoint start)
        : interval_(interval), linger_(linger), due_at_(start) {
        if (linger) {
            due_at_.reset();
        }
    }

    // The open batch has its first message.
    void batch_opened(TimePoint now) {
        if (linger_) {
            due_at_ = now + *linger_;
        }
    }
    // The open batch was closed, whatever for, or has lost all its messages.
    void batch_closed() {
        if (linger_) {
            due_at_.reset();
        }
    }
    // It has fired: ticks that were slept through are one.
    void fired(TimePoint now) {
        if (due_at_ && !linger_) {
            *due_at_ += interval_ * (1 + (now - *due_at_) / interval_);
        }
    }

    bool is_due(TimePoint now) const { return due_at_ && now >= *due_at_; }
    std::optional<TimePoint> due_at() const { return due_at_; }

private:
    Duration interval_;
    std::optional<Duration> linger_;
    std::optional<TimePoint> due_at_;
};

}  // namespace blocky
