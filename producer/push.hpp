// What a push is given and what it gives back, whether it waits in lock-step or with many others.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "common/clock.hpp"
#include "common/curve_keys.hpp"
#include "common/protocol.hpp"
#include "common/received_reply.hpp"

namespace blocky {

// Encryption of tcp.
struct CurveClient {
    std::string server_key;  // the consumer's public one, as text: nobody else is talked to
    CurveKeys keys;          // by which the consumer knows this client
};

struct ClientOptions {
    // Consumers, at least one; the next is tried when one stops answering.
    std::vector<std::string> endpoints;
    // Nothing: unencrypted.
    std::optional<CurveClient> curve;
    // The `producer` member of every message: 1 to 128 bytes of UTF-8, or empty for none.
    std::string name;
    // The `deadline_ms` of every message: not to be processed when it has not gone to the sink so
    // long after its arrival; 0: none.
    std::chrono::milliseconds deadline{0};
    // Without a reply for so long: reconnect, and send the same message again.
    Duration timeout = std::chrono::seconds(10);
    // Give a message up when it was not acknowledged for so long; nothing: never.
    std::optional<Duration> retry_for;
    // A request body that is larger is refused here: the consumer would cut the connection.
    std::size_t max_message_bytes = kDefaultMaxMessageBytes;
    // When this descriptor turns readable, a push waits at most `stop_grace` for what it has sent,
    // and returns; −1: none. Never read, and stays the caller's.
    int stop_descriptor = -1;
    Duration stop_grace = std::chrono::seconds(2);
};

// The message is processed.
struct Acknowledgement {
    ReceivedReply reply;
    std::string body;  // of the reply, as received; empty where one reply was for a whole bundle
    Duration held{0};  // from the call that pushed it to the reply
    TimePoint at;      // when the reply was read
};

// The message is not known to be processed.
struct PushFailure {
    enum class Kind {
        kRefused,  // it never will be: the consumer's reply, or this library, says why
        kGaveUp,   // not within retry_for
        kBarred,   // the consumers do not let this client in, and the reason says why
        kStopped,  // the stop descriptor turned readable first
        kNotSent   // the same, and nothing has been sent: as if it had never been pushed
    };
    Kind kind;
    std::string reason;  // "bad_request: the sum sink takes numbers only"
    std::string body;    // of the reply that refused it, as received; empty when there was none
};

using PushResult = tl::expected<Acknowledgement, PushFailure>;

// The same in both clients.
inline constexpr Duration kFirstRetry = std::chrono::milliseconds(100);
inline constexpr Duration kLongestRetry = std::chrono::seconds(5);

PushFailure refused(std::string reason, std::string body);
PushFailure too_large(std::size_t bytes, std::size_t limit);
PushFailure given_up(const ClientOptions& options, const std::string& trouble);
PushFailure barred(std::string reason);
PushFailure stopped(bool ever_sent, const std::string& trouble);

// "busy: this consumer holds as many messages as it may".
std::string describe(const ReceivedReply& error);

// Whether `reply` answers the message with that id: an acknowledgement must name it, an error may
// lack it where the body could not be decoded.
bool answers(const ReceivedReply& reply, std::string_view id);

// Whether the descriptor is readable now; never for −1.
bool is_readable(int descriptor);

}  // namespace blocky
