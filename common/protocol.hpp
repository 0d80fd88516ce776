// The wire protocol, version 1: what a request and a reply say, and how they are written.
// The grammar, with frame dumps, is docs/protocol.md. Frames and sockets are not known here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace blocky {

inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kMaxNameBytes = 128;  // of `producer` and of `id`
inline constexpr std::size_t kMaxDepth = 64;       // of `value`; a scalar is 0, [] is 1
inline constexpr std::size_t kMaxBundle = 10'000;  // messages in one request
inline constexpr std::chrono::milliseconds kLongestDeadline = std::chrono::hours(1'000'000);
inline constexpr std::size_t kDefaultMaxMessageBytes = 1U << 20U;

enum class ErrorCode {
    kBadRequest,
    kUnsupportedVersion,
    kTooLarge,
    kBusy,
    kExpired,
    kRejected,
    kSinkFailed,
    kShuttingDown,
};
inline constexpr std::size_t kErrorCodes = 8;

// The word on the wire: "bad_request".
std::string_view to_string(ErrorCode code);

// Whether the same request may succeed later.
bool is_retryable(ErrorCode code);

// One message to push, as the consumer decodes it and the producer encodes it; views.
struct PushRequest {
    std::string_view value;     // JSON text, exactly as it stands in the body
    std::string_view producer;  // empty: not given
    std::string_view id;        // empty: not given
    // 0: none. The decoder gives at most kLongestDeadline, which no time point overflows by.
    std::chrono::milliseconds deadline{0};
};

// The body of a request. `value` must be JSON, `producer` and `id` UTF-8 without control
// characters.
std::string encode(const PushRequest& request);

// The body of a request with many messages, at most kMaxBundle, of which only value and id are
// written: producer and deadline stand once, for all (empty, 0: left out).
std::string encode_bundle(std::string_view producer, std::chrono::milliseconds deadline,
                          std::span<const PushRequest> messages);

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

}  // namespace blocky
