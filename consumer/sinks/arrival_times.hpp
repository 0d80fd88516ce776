// When the messages of one batch were received, by the wall clock. Both clocks are read once a
// batch, so that setting the wall clock meanwhile does not change the order of its messages.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace blocky {

// One per batch. Reads the clocks when it is made.
class ArrivalTimes {
public:
    WallTime wall(TimePoint received_at) const {
        return WallTime(
            std::chrono::duration_cast<WallTime::duration>(received_at.time_since_epoch()) +
            ahead_);
    }

    // As utc_timestamp writes it; good until the next call. Those of a batch mostly share their
    // second, and are then written by three digits alone: in full, each would cost a tenth of its
    // INSERT into SQLite.
    std::string_view text(TimePoint received_at) {
        using std::chrono::floor, std::chrono::seconds, std::chrono::milliseconds;
        const auto time = wall(received_at);
        const auto second = floor<seconds>(time);
        if (second != second_) {
            second_ = second;
            text_ = utc_timestamp(second);
        }
        auto rest = floor<milliseconds>(time - second).count();
        for (auto digit = text_.rbegin() + 1; digit != text_.rbegin() + 4; ++digit, rest /= 10) {
            *digit = static_cast<char>('0' + rest % 10);
        }
        return text_;
    }

private:
    WallTime::duration ahead_ = wall_time(TimePoint()).time_since_epoch();  // of the monotonic one
    std::optional<std::chrono::time_point<WallTime::clock, std::chrono::seconds>> second_;
    std::string text_;
};

}  // namespace blocky
