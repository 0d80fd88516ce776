// What the log says of something that fails and is tried again, perhaps for hours: that it fails,
// for how long it is tried and what is held meanwhile; when the reason changes; what to do when it
// was given up; that it works again. Once per change of state and not per try; while nothing
// changes it is recalled after 1 and 10 minutes, and then hourly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/clock.hpp"

namespace blocky {

// A changed reason, and batches given up after the first, are said so often at most.
inline constexpr Duration kBetweenReminders = std::chrono::seconds(10);

// Whose replies depend on it.
struct Stake {
    std::uint64_t batch = 0;
    std::size_t messages = 0;
    std::size_t producers = 0;  // connections
};

// Owned by one thread. Free of clocks.
class OutageLog {
public:
    // "the sink". `patience` is what --retry-for says; nothing: forever.
    OutageLog(std::string what, std::optional<Duration> patience)
        : what_(std::move(what)), patience_(patience) {}

    // A try has failed.
    void failed(const std::string& reason, const Stake& stake, TimePoint now);
    // It is not tried again for these messages: they are answered `sink_failed`.
    void gave_up(const Stake& stake, TimePoint now);
    // A try has succeeded. Says so if one had failed before.
    void worked(TimePoint now);

private:
    struct Outage {
        TimePoint since;
        std::uint64_t tries = 0;  // that failed
        std::string reason;       // the latest
        std::string said_reason;
        TimePoint reason_said_at;
        std::uint64_t batches_given_up = 0;
        std::uint64_t messages_given_up = 0;
        TimePoint given_up_said_at;
        Duration recalled_after;  // since its beginning, when it is said again in any case
    };

    std::string what_;
    std::optional<Duration> patience_;
    std::optional<Outage> outage_;
};

}  // namespace blocky
