// A REQ socket set up so that sending again is always safe: one request at a time, and only the
// reply to the latest.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <zmq.hpp>

#include "producer/monitored_socket.hpp"

namespace blocky {

// Owned and touched by one thread.
class RequestSocket {
public:
    // Starts to connect, and goes on trying for as long as it lives. Throws zmq::error_t.
    RequestSocket(zmq::context_t& context, const std::string& endpoint,
                  const std::optional<CurveClient>& curve = std::nullopt);

    // Sends a request, or sends it again. Only while there is a connection: it would be queued, and
    // arrive together with all its repetitions.
    bool send(std::string_view body);

    // The reply to the latest request; nothing when none has come yet. Never waits. Late replies to
    // earlier requests are dropped by ZeroMQ.
    std::optional<std::string> receive();

    // What has happened to the connection since the last call. Never waits.
    ConnectionEvents take_events() { return socket_.take_events(); }

    // For poll(2): turn readable when something may have come, and only once. So events() is to be
    // asked first, for ZMQ_POLLIN and ZMQ_POLLOUT; take_events() has drained the monitor.
    int events() const { return socket_.events(); }
    int descriptor() const { return socket_.descriptor(); }
    int monitor_descriptor() const { return socket_.monitor_descriptor(); }

private:
    MonitoredSocket socket_;
};

}  // namespace blocky
