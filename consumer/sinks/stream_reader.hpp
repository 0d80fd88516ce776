// Reads a part of a stream back by JetStream's API.
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

#include "common/clock.hpp"
#include "consumer/sinks/jetstream.hpp"
#include "consumer/sinks/nats_handles.hpp"

namespace blocky {

// The ids of the subject's messages that stand behind that sequence, some thousand sequences at
// most; why they cannot be read. Fails when no answer comes for so long. The stream's leader is
// asked, which alone is sure to know all that is stored: a consumer of the stream might sit on a
// replica that lags behind, and streams that are work queues let no second one read.
tl::expected<ReadBack, std::string> read_part(natsConnection* connection, const std::string& stream,
                                              const std::string& subject,
                                              std::uint64_t after_sequence, Duration patience);

}  // namespace blocky
