// What happens to the connections of a ZeroMQ socket, as zmq_socket_monitor(3) tells it.
#pragma once

#include <cstdint>
#include <optional>

#include <zmq.hpp>

namespace blocky {

// Owned and touched by the thread that owns the socket. Must be drained: with nobody reading, some
// hundreds of connections make ZeroMQ's I/O thread wait (seen with 4.3.4).
class SocketMonitor {
public:
    // Tells of these events (ZMQ_EVENT_…) of `socket`, which must outlive it. Throws zmq::error_t.
    SocketMonitor(zmq::context_t& context, zmq::socket_t& socket, int events);
    ~SocketMonitor();
    SocketMonitor(const SocketMonitor&) = delete;
    SocketMonitor& operator=(const SocketMonitor&) = delete;

    struct Event {
        std::uint16_t number;  // ZMQ_EVENT_…
        std::int32_t value;    // mostly a descriptor
    };
    // The next event; nothing when none waits. Never blocks.
    std::optional<Event> next();

    // Readable when an event may wait. Only a call of next() that returned nothing makes sure that
    // it will turn readable for the one after: ZMQ_FD is edge-triggered, zmq_getsockopt(3).
    int descriptor() const { return reader_.get(zmq::sockopt::fd); }
    // Whether next() has one.
    bool has_event() const { return (reader_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; }

private:
    zmq::socket_t& socket_;
    zmq::socket_t reader_;
};

}  // namespace blocky
