// Finds the stream that keeps a subject, makes it if that is wanted, and says at start what it is
// good for.
#pragma once

#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "consumer/sinks/jetstream.hpp"
#include "consumer/sinks/nats_handles.hpp"
#include "consumer/sinks/sink_options.hpp"

namespace blocky {

// One try. Throws std::runtime_error when no later one could succeed (no such stream, or it cannot
// be used); else why not yet, as while a cluster elects. `create`: make this one if there is none.
tl::expected<StreamTraits, std::string> set_up_stream(natsConnection* connection, jsCtx* context,
                                                      const std::string& subject,
                                                      const std::optional<NatsStream>& create);

}  // namespace blocky
