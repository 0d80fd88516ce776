// A DEALER socket that speaks the envelope of REQ with many requests in flight: a frame of its own
// before the delimiter, the tag, comes back with the reply and tells which request it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <zmq.hpp>

#include "producer/monitored_socket.hpp"

namespace blocky {

// Owned and touched by one thread. Serves one connection: once it has broken, make another socket.
// ZeroMQ would send what is left in this one first, after what was lost and before it is sent
// again, and so out of order.
class PipelinedSocket {
public:
    // Starts to connect, and goes on trying for as long as it lives. Throws zmq::error_t.
    PipelinedSocket(zmq::context_t& context, const std::string& endpoint,
                    const std::optional<CurveClient>& curve = std::nullopt);

    // Sends a request. False when the socket takes none, which it always should.
    bool send(std::uint64_t tag, zmq::message_t&& body);

    // The next reply, to whatever request. False when there is none. Never waits. What has not the
    // frames of a reply to a request of this client is dropped or comes with an empty body.
    bool receive();
    std::uint64_t tag() const { return tag_; }
    // Valid until the next call of receive().
    std::string_view body() const;

    ConnectionEvents take_events() { return socket_.take_events(); }
    // As of MonitoredSocket.
    bool has_reply() const { return (socket_.events() & ZMQ_POLLIN) != 0; }
    int descriptor() const { return socket_.descriptor(); }
    int monitor_descriptor() const { return socket_.monitor_descriptor(); }

private:
    bool receive_frame(zmq::message_t& frame);
    void drop_rest(zmq::message_t& frame);

    MonitoredSocket socket_;
    std::uint64_t tag_ = 0;
    zmq::message_t delimiter_;
    zmq::message_t body_;
};

}  // namespace blocky
