// Asks who listens at an endpoint how it secures its connections: the first bytes that ZMTP has
// both sides send (RFC 23, "greeting") say so. ZeroMQ itself tells only of some failures why.
#pragma once

#include <optional>
#include <string>

#include "common/clock.hpp"

namespace blocky {

// "NULL" or "CURVE"; nothing when nobody is there who speaks ZMTP 3 and answers in time. For tcp://
// endpoints. Blocks.
std::optional<std::string> mechanism_at(const std::string& endpoint, Duration patience);

}  // namespace blocky
