// Formats wall-clock time for the logs.
#include "common/clock.hpp"

#include <ctime>

#include <fmt/chrono.h>

namespace blocky {

std::string utc_timestamp(WallTime time) {
    const auto since_epoch =
        std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
    const auto seconds = static_cast<std::time_t>(since_epoch / 1000);
    std::tm calendar{};
    gmtime_r(&seconds, &calendar);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", calendar, since_epoch % 1000);
}

WallTime wall_time(TimePoint time) {
    return std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now() -
                                                            (Clock::now() - time));
}

}  // namespace blocky
