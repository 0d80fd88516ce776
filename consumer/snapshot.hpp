// The consumer as it stood at one moment: everything that is shown of it, in /status, /metrics,
// /events and on the dashboard, so that the numbers in one answer belong together. Plain and
// immutable; made by the router's thread, read by those of HTTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "consumer/metrics.hpp"
#include "consumer/sink_activity.hpp"

namespace blocky {

// So many of the latest batches are shown.
inline constexpr std::size_t kBatchesRemembered = 600;
// So many producers are shown by name; the others are only counted.
inline constexpr std::size_t kProducersShown = 2'000;

// What does not change while the consumer runs. Nothing in here is secret: of the sink no more than
// its kind, for a connection string may have a password in it.
struct RunInfo {
    std::string run;
    std::string sink;                    // "sqlite"
    std::vector<std::string> endpoints;  // where it listens
    WallTime started_at;
    std::string timer;                     // "interval" or "linger"
    Duration timer_period{0};              // its duration
    std::optional<std::uint64_t> barrier;  // at least so many
    bool answers_on_receipt = false;       // --reply immediate
    std::uint64_t max_items = 0;
    std::uint64_t max_held = 0;
};

// A batch that is over: its line of the JSON batch log, without a newline.
struct BatchEvent {
    std::uint64_t number = 0;
    std::string line;
};

// Producers by connection. Both lists have the same order, which stays while `version` does.
struct ProducersStatus {
    std::size_t live = 0;
    std::size_t held = 0;     // wait for a reply
    std::size_t in_open = 0;  // have a message in the open batch
    std::size_t missing =
        0;  // live and not in the open batch; with --barrier=N at least N expected
    std::uint64_t version = 0;
    std::shared_ptr<const std::vector<std::string>>
        names;          // of kProducersShown at most; never null
    std::string marks;  // one character each: '-' free, 'o' held in the open batch,
                        // 'p' held in one that is in line or in process; with --reply immediate
                        // nobody is held, and 'o' is who has a message in the open batch
};

struct OpenBatchStatus {
    std::size_t messages = 0;
    std::uint64_t bytes = 0;
    std::optional<TimePoint> due_at;  // when the timer closes it, if it does
};

struct InFlightStatus {
    std::uint64_t number = 0;
    std::size_t messages = 0;
    TimePoint since;  // it closed
};

struct Snapshot {
    enum class State { kServing, kDraining, kStopped };

    std::shared_ptr<const RunInfo> info;  // never null
    State state = State::kServing;
    TimePoint taken_at;
    Metrics metrics;
    std::uint64_t log_lines_dropped = 0;
    std::uint64_t held_messages = 0;
    std::uint64_t held_bytes = 0;
    OpenBatchStatus open;
    std::optional<InFlightStatus> in_flight;
    std::size_t in_line = 0;  // closed batches that wait for the sink
    ProducersStatus producers;
    SinkStatus sink;
    std::vector<std::shared_ptr<const BatchEvent>> batches;  // oldest first
};

}  // namespace blocky
