// The client library with many messages in flight. Each still has an outcome of its own, order is
// kept, and a consumer that is slow, restarted or not there yet holds the caller up: that is the
// backpressure. Several messages may travel as one request, a bundle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <zmq.hpp>

#include "producer/access.hpp"
#include "producer/pipeline.hpp"
#include "producer/pipelined_socket.hpp"
#include "producer/push.hpp"
#include "producer/reach.hpp"

namespace blocky {

// Owned and touched by one thread. There is none behind it: it sends, receives, calls back and
// sends again inside its own calls only, so one of them must be made now and then. A message that
// does not fill a bundle goes in the next wait(), flush() or push(), or when the window is full:
// call wait() when there is nothing to push right now. Callbacks must neither call the client nor
// throw.
class PipelinedClient {
public:
    // Starts to connect. Throws zmq::error_t for an endpoint that ZeroMQ cannot use.
    PipelinedClient(zmq::context_t& context, PipelineOptions options);

    // Pushes `value` (JSON text) under `id` (1 to 128 bytes of UTF-8); `callback` gets the outcome,
    // at once for a message that is too large or comes after a stop. Blocks while the window is
    // full. Messages are sent in the order of these calls. `producer`: of this message alone; only
    // where the client has no name.
    void push_async(std::string_view value, std::string_view id, PushCallback callback,
                    std::string_view producer = {});

    // The same, and waits for the outcome. Others go on meanwhile.
    PushResult push(std::string_view value, std::string_view id);

    // Returns when every message has its outcome.
    void flush();

    // Works until that time, or until `descriptor` (−1: none) is readable, a message has its
    // outcome, or the client is asked to stop, whatever comes first.
    void wait(TimePoint until, int descriptor = -1);

    // How many messages have no outcome yet.
    std::size_t in_flight() const { return pipeline_.size(); }
    // Whether the stop descriptor was seen readable: nothing is sent from then on.
    bool stopping() const { return stop_by_.has_value(); }

private:
    enum class Sending { kFullBundlesOnly, kAll };

    void turn(Sending sending);
    void turn_or_block();
    void block(TimePoint until, int descriptor);
    TimePoint next_due() const;
    void receive_replies();
    void follow_connection(const ConnectionEvents& events);
    void leave_where_due();
    void leave(const std::string& why);
    void connection_broke();
    void follow_access(const ConnectionEvents& events);
    void open_socket();
    void check_stop();
    void send_waiting(Sending sending);
    bool send(const OpenRequest& request);

    zmq::context_t& context_;
    PipelineOptions options_;
    Pipeline pipeline_;
    Reach reach_;
    Access access_;
    std::optional<PipelinedSocket> socket_;
    unsigned pushes_since_turn_ = 0;
    bool monitor_due_ = true;  // is to be drained, which it must be before it can wake anybody
    bool stop_due_ = true;     // the stop descriptor may be readable
    TimePoint now_;
    TimePoint opened_at_;  // the socket; while there is none: when to open one
    std::optional<TimePoint> stop_by_;
};

}  // namespace blocky
