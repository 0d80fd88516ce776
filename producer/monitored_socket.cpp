// The options that both kinds of socket share, and the monitor.
#include "producer/monitored_socket.hpp"

#include "common/endpoint.hpp"

namespace blocky {
namespace {

void set_options(zmq::socket_t& socket) {
    using namespace zmq::sockopt;
    // Not ZMQ_IMMEDIATE, which would keep retries from piling up while there is no connection: with
    // it ZeroMQ drops, when the connection ends, the replies that have come and are not read yet
    // (seen with 4.3.4). The client sends only while it knows of a connection.
    // What is unanswered is sent again by the next run, or not at all; it need not hold up the
    // exit.
    socket.set(linger, 0);
    socket.set(reconnect_ivl, 100);
    socket.set(reconnect_ivl_max, 1000);
    // A consumer that is stopped, or whose host has vanished, is noticed within 5 s.
    socket.set(heartbeat_ivl, 2500);
    socket.set(heartbeat_timeout, 2500);
}

constexpr int kWatched = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                         ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                         ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
constexpr std::int32_t kNotAllowed = 400;  // ZAP's status; others are troubles of the consumer

// What is neither of these is no refusal: somebody who speaks something else, or has gone.
HandshakeFailure failure_of(const SocketMonitor::Event& event) {
    switch (event.number) {
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            return event.value == kNotAllowed ? HandshakeFailure::kKey : HandshakeFailure::kNone;
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            return event.value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                       ? HandshakeFailure::kMechanism
                   : event.value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
                       ? HandshakeFailure::kCrypto
                       : HandshakeFailure::kNone;
        default:
            return HandshakeFailure::kCut;
    }
}

void set_curve(zmq::socket_t& socket, const CurveClient& curve) {
    socket.set(zmq::sockopt::curve_serverkey, curve.server_key);
    socket.set(zmq::sockopt::curve_publickey, curve.keys.public_key);
    socket.set(zmq::sockopt::curve_secretkey, curve.keys.secret_key);
}

}  // namespace

MonitoredSocket::MonitoredSocket(zmq::context_t& context, zmq::socket_type type)
    : socket_(context, type), monitor_(context, socket_, kWatched) {
    set_options(socket_);
}

void MonitoredSocket::connect(const std::string& endpoint,
                              const std::optional<CurveClient>& curve) {
    if (curve && speaks_curve(endpoint)) {
        set_curve(socket_, *curve);
    }
    socket_.set(zmq::sockopt::ipv6, is_ipv6(endpoint));
    socket_.connect(endpoint);
}

ConnectionEvents MonitoredSocket::take_events() {
    ConnectionEvents events;
    while (const auto event = monitor_.next()) {
        if (event->number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            events.connected = true;
            events.failure = HandshakeFailure::kNone;
        } else if (event->number == ZMQ_EVENT_DISCONNECTED) {
            events.connected = false;
            events.disconnected = true;
        } else {
            events.failure = failure_of(*event);
        }
    }
    return events;
}

}  // namespace blocky
