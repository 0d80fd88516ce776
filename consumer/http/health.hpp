// Whether the consumer is well (/healthz) and takes messages (/readyz), and if not, why. Pure.
#pragma once

#include <optional>
#include <string>

#include "common/clock.hpp"
#include "consumer/sink_activity.hpp"
#include "consumer/snapshot.hpp"

namespace blocky {

// What is known from outside of the loop.
struct Signs {
    std::optional<TimePoint> last_beat;    // of the loop; nothing while starting
    std::optional<Snapshot::State> state;  // nothing while starting
    SinkStatus sink;
};

struct Health {
    bool well = true;
    std::string text;  // "ok", or the reason; one line without its end
};

// Not well when the loop has not turned, or the sink has had one batch, for longer than
// `stall_after`.
Health health(const Signs& signs, Duration stall_after, TimePoint now);

// Well when a message that is sent now would be stored, as far as can be told.
Health readiness(const Signs& signs, Duration stall_after, TimePoint now);

}  // namespace blocky
