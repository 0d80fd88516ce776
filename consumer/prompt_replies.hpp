// The replies that the batcher gives at once, outside of any batch. Pure; their views point into
// the request, and into texts that are always there.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "common/clock.hpp"
#include "common/protocol.hpp"

namespace blocky {

// Why there is no room for a message.
inline constexpr std::string_view kAllIsHeld =
    "this consumer holds as many messages as it may (--max-held, --max-held-bytes)";
inline constexpr std::string_view kShareIsHeld =
    "this consumer holds as many messages of this producer as it may (--max-held-per-producer, "
    "--max-held-bytes-per-producer)";

Reply duplicate_reply(const PushRequest& request);
Reply error_reply(const PushRequest& request, ErrorCode code, std::string_view message);
// There may be room again so long from now: when the timer closes the open batch, if it does.
Reply busy_reply(const PushRequest& request, std::string_view why, std::optional<Duration> wait);

}  // namespace blocky
