// The consumer at a moment as JSON: what /status answers, and what /events says of the state.
// Pure. A number that is the same in /metrics and the batch log stands here as it stands there.
#pragma once

#include <string>

#include "common/clock.hpp"
#include "consumer/sink_activity.hpp"
#include "consumer/snapshot.hpp"

namespace blocky {

// So many names are listed in `in` and `missing` each.
inline constexpr std::size_t kNamesListed = 1'000;

// Everything, the latest batches included. `sink` is newer than the snapshot's; how long something
// has lasted, or will, is as of `now`.
std::string status_json(const Snapshot& snapshot, const SinkStatus& sink, TimePoint now);

// The same without batches, and for names the marks of the roster of that version.
std::string state_json(const Snapshot& snapshot, const SinkStatus& sink, TimePoint now);

// Who is who in those marks.
std::string roster_json(const ProducersStatus& producers);

}  // namespace blocky
