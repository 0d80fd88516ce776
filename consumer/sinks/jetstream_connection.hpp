// The stream as libnats reaches it. The library has threads of its own, which reconnect by
// themselves and bring the acknowledgements.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "consumer/sinks/jetstream.hpp"
#include "consumer/sinks/nats_target.hpp"
#include "consumer/sinks/sink_options.hpp"

namespace blocky {

// `run` is the header Blocky-Run. Tries for at most about 15 s, for a cluster that has just started
// has no leader yet; then, or when waiting would not help, throws std::runtime_error. One at a
// time in a process: when it goes, the library ends its threads.
std::unique_ptr<JetStream> open_jetstream(const NatsTarget& target, const std::string& run,
                                          const std::optional<NatsStream>& create);

}  // namespace blocky
