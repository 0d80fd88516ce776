// The consumer's numbers in the text format of Prometheus (0.0.4): /metrics.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "consumer/sink_activity.hpp"
#include "consumer/snapshot.hpp"

namespace blocky {

struct MetricsSource {
    std::shared_ptr<const Snapshot> snapshot;  // null while starting: then few numbers are known
    SinkStatus sink;                           // as it is now
    std::optional<TimePoint> last_beat;        // of the loop
    std::uint64_t connections_refused = 0;     // by the HTTP server
    TimePoint now;
};

// Reads a little of /proc/self, too. Any thread.
std::string metrics_text(const MetricsSource& source);

}  // namespace blocky
