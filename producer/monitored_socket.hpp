// A client's ZeroMQ socket with a monitor that tells when its connection comes and goes: ZeroMQ
// reconnects by itself, but what was in the old connection is lost, and the socket does not say so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <zmq.hpp>

#include "common/socket_monitor.hpp"
#include "producer/push.hpp"

namespace blocky {

// Why a consumer that was reached is not connected.
enum class HandshakeFailure {
    kNone,
    kKey,        // it does not allow the client's key
    kMechanism,  // one of the two speaks CURVE, the other does not
    kCrypto,     // it does not prove that it has its key
    kCut         // it said nothing: it has gone, or does not understand
};

// What has happened to a connection.
struct ConnectionEvents {
    bool connected = false;     // is connected, after it was not
    bool disconnected = false;  // was cut: what had been sent may be lost
    HandshakeFailure failure =
        HandshakeFailure::kNone;  // the latest, if it has not connected since
};

// Owned and touched by one thread.
class MonitoredSocket {
public:
    // Sets what every client's socket needs; connect() is still to come. Throws zmq::error_t.
    MonitoredSocket(zmq::context_t& context, zmq::socket_type type);

    // Starts to connect, and goes on trying for as long as it lives. Throws zmq::error_t.
    void connect(const std::string& endpoint, const std::optional<CurveClient>& curve);

    // Since the last call. Never waits.
    ConnectionEvents take_events();

    // For poll(2). They turn readable when something may have come, and only once: look at events()
    // first, whenever the socket has been used since, and have the monitor drained.
    int descriptor() const { return socket_.get(zmq::sockopt::fd); }
    int monitor_descriptor() const { return monitor_.descriptor(); }
    // ZMQ_EVENTS: whether there is a reply to take, and room to send.
    int events() const { return socket_.get(zmq::sockopt::events); }

    zmq::socket_t& socket() { return socket_; }

private:
    zmq::socket_t socket_;
    SocketMonitor monitor_;
};

}  // namespace blocky
