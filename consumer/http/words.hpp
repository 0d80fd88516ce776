// The words of the HTTP answers for what the program knows by value.
#pragma once

#include <string_view>

#include "consumer/sink_activity.hpp"
#include "consumer/snapshot.hpp"

namespace blocky {

inline constexpr std::string_view kVersion = BLOCKY_VERSION;

constexpr std::string_view to_string(Snapshot::State state) {
    switch (state) {
        case Snapshot::State::kServing:
            return "serving";
        case Snapshot::State::kDraining:
            return "draining";
        case Snapshot::State::kStopped:
            break;
    }
    return "stopped";
}

// "idle", "busy", or "failing", which a sink that is tried again is, busy or not.
inline std::string_view state_word(const SinkStatus& sink) {
    if (sink.failing_since) {
        return "failing";
    }
    return sink.busy_since ? "busy" : "idle";
}

}  // namespace blocky
