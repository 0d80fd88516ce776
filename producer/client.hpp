// The client library: pushes a message and returns when the consumer has safely processed it. It
// survives a consumer that is restarted, stopped or not there yet by sending the same id again,
// which the protocol makes safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>
#include <zmq.hpp>

#include "common/backoff.hpp"
#include "common/clock.hpp"
#include "common/protocol.hpp"
#include "producer/request_socket.hpp"

namespace blocky {

struct ClientOptions {
    // Consumers, at least one; the next is tried when one stops answering.
    std::vector<std::string> endpoints;
    // The `producer` member of every message: 1 to 128 bytes of UTF-8, or empty for none.
    std::string name;
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
    std::string body;  // of the reply, as received
    Duration held{0};  // from the call of push() to the reply
};

// The message is not known to be processed.
struct PushFailure {
    enum class Kind {
        kRefused,  // it never will be: the consumer's reply, or this library, says why
        kGaveUp,   // not within retry_for
        kStopped,  // the stop descriptor turned readable first
        kNotSent   // the same, and nothing has been sent: as if push() had not been called
    };
    Kind kind;
    std::string reason;  // "bad_request: the sum sink takes numbers only"
    std::string body;    // of the reply that refused it, as received; empty when there was none
};

// One message in flight: push() is lock-step. Owned and touched by one thread.
class Client {
public:
    // Starts to connect. Throws zmq::error_t for an endpoint that ZeroMQ cannot use.
    Client(zmq::context_t& context, ClientOptions options);

    // Pushes `value` (JSON text) under `id` (1 to 128 bytes of UTF-8). Blocks until it is
    // acknowledged, refused or given up. Calling again with the same id and value is always safe.
    tl::expected<Acknowledgement, PushFailure> push(std::string_view value, std::string_view id);

private:
    using Received = tl::expected<Acknowledgement, PushFailure>;

    Received exchange(const std::string& body, std::string_view id);
    std::optional<Acknowledgement> take_reply(std::string_view id);
    void follow_connection(const RequestSocket::Events& events);
    void connect_next();
    std::optional<PushFailure> reason_to_stop();
    void wait(TimePoint until, short socket_events);
    bool pause(Duration delay);

    zmq::context_t& context_;
    ClientOptions options_;
    std::size_t endpoint_ = 0;  // the one in use
    std::optional<RequestSocket> socket_;
    Backoff backoff_;
    bool connected_ = false;
    bool said_unreachable_ = false;
    TimePoint connecting_since_;
    std::string trouble_;  // the latest reason why the message is not acknowledged yet

    // Of the push under way.
    bool sent_ = false;       // and awaits its reply
    bool ever_sent_ = false;  // so that the consumer may have it
    TimePoint resend_at_;
    std::optional<TimePoint> give_up_at_;
    std::optional<TimePoint> stop_by_;
};

}  // namespace blocky
