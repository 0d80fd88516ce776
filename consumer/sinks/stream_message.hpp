// What JetStream's API answers when it is asked for a message of a stream ($JS.API.STREAM.MSG.GET):
// JSON with the headers in base64. Of all that only the id is wanted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blocky {

inline constexpr const char* kMsgIdHeader = "Nats-Msg-Id";

struct StreamMessage {
    std::uint64_t sequence = 0;  // 0: there is no such message
    std::string id;              // empty: without
};

// Nothing when it is another error, or not what it should be.
std::optional<StreamMessage> parse_stream_message(std::string_view answer);

}  // namespace blocky
