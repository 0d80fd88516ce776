// The two clocks: a monotonic one that everything is timed by, and the wall clock that only ever
// stamps log lines. Pure code never reads either: it is handed a TimePoint.
#pragma once

#include <chrono>
#include <string>

namespace blocky {

using Clock = std::chrono::steady_clock;
using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<Clock, Duration>;
using WallTime = std::chrono::system_clock::time_point;

// UTC with milliseconds as RFC 3339 writes it: 2026-11-23T11:30:01.000Z.
std::string utc_timestamp(WallTime time);

// When that was, or will be, by the wall clock as it stands now.
WallTime wall_time(TimePoint time);

// A duration as a number of milliseconds with its fraction.
constexpr double to_milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace blocky
