// The client library: pushes a message and returns when the consumer has safely processed it. It
// survives a consumer that is restarted, stopped or not there yet by sending the same id again,
// which the protocol makes safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <zmq.hpp>

#include "common/backoff.hpp"
#include "producer/access.hpp"
#include "producer/push.hpp"
#include "producer/reach.hpp"
#include "producer/request_socket.hpp"

namespace blocky {

// One message in flight: push() is lock-step. Owned and touched by one thread.
class Client {
public:
    // Starts to connect. Throws zmq::error_t for an endpoint that ZeroMQ cannot use.
    Client(zmq::context_t& context, ClientOptions options);

    // Pushes `value` (JSON text) under `id` (1 to 128 bytes of UTF-8). Blocks until it is
    // acknowledged, refused or given up. Calling again with the same id and value is always safe.
    // `producer`: of this message alone, in place of the client's name.
    PushResult push(std::string_view value, std::string_view id, std::string_view producer = {});

private:
    PushResult exchange(const std::string& body, std::string_view id);
    std::optional<Acknowledgement> take_reply(std::string_view id);
    void follow_connection(const ConnectionEvents& events);
    void connect_next();
    std::optional<PushFailure> reason_to_stop();
    void wait(TimePoint until);
    void wait_for_news(int milliseconds, bool of_socket);
    bool pause(Duration delay);

    zmq::context_t& context_;
    ClientOptions options_;
    Reach reach_;
    Access access_;
    std::optional<RequestSocket> socket_;
    Backoff backoff_;
    bool monitor_due_ = true;  // is to be drained, which it must be before it can wake anybody
    bool stop_due_ = true;     // the stop descriptor may be readable
    std::string trouble_;      // the latest reason why the message is not acknowledged yet

    // Of the push under way.
    std::optional<std::string> barred_;  // why, when no consumer lets this client in
    bool sent_ = false;                  // and awaits its reply
    bool ever_sent_ = false;             // so that the consumer may have it
    TimePoint resend_at_;
    std::optional<TimePoint> give_up_at_;
    std::optional<TimePoint> stop_by_;
};

}  // namespace blocky
