// The wire protocol, version 1: what a request and a reply say, and how they are written.
// The grammar, with frame dumps, is docs/protocol.md. Frames and sockets are not known here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blocky {

inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kMaxNameBytes = 128;  // of `producer` and of `id`
inline constexpr std::size_t kMaxDepth = 64;       // of `value`; a scalar is 0, [] is 1
inline constexpr std::size_t kDefaultMaxMessageBytes = 1U << 20U;

enum class ErrorCode {
    kBadRequest,
    kUnsupportedVersion,
    kTooLarge,
    kBusy,
    kRejected,
    kSinkFailed,
    kShuttingDown,
};
inline constexpr std::size_t kErrorCodes = 7;

// The word on the wire: "bad_request".
std::string_view to_string(ErrorCode code);

// Whether the same request may succeed later.
bool is_retryable(ErrorCode code);

// One message to push, as the consumer decodes it and the producer encodes it.
struct PushRequest {
    std::string_view value;  // JSON text, exactly as it stands in the body
    std::string producer;    // empty: not given
    std::string id;          // empty: not given
};

// The body of a request. `value` must be JSON, `producer` and `id` UTF-8 without control
// characters.
std::string encode(const PushRequest& request);

// What the consumer answers. Views must outlive the call of encode() only.
struct Reply {
    std::string_view id;  // empty: the request had none
    bool ok = true;

    // ok
    std::uint64_t batch = 0;  // 0: in no batch (a duplicate, or answered on receipt)
    std::uint64_t size = 0;
    std::string_view result;  // JSON text; empty: none
    bool duplicate = false;

    // error
    ErrorCode code = ErrorCode::kBadRequest;
    std::string_view message;
    std::optional<std::chrono::milliseconds> retry_after;
};

// The body of a reply.
std::string encode(const Reply& reply);

// What a producer makes of a reply. Only `ok` is an acknowledgement.
struct ReceivedReply {
    bool ok = false;
    std::string id;
    std::uint64_t batch = 0;
    std::uint64_t size = 0;
    std::string result;  // JSON text
    bool duplicate = false;
    std::string code;
    std::string message;
    bool retry = false;
    std::optional<std::chrono::milliseconds> retry_after;
};

// Nothing when the body is not a reply of this protocol: that is no acknowledgement.
std::optional<ReceivedReply> decode_reply(std::string_view body);

}  // namespace blocky
