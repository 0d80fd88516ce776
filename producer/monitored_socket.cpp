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

constexpr int kWatched = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;

}  // namespace

MonitoredSocket::MonitoredSocket(zmq::context_t& context, zmq::socket_type type)
    : socket_(context, type), monitor_(context, socket_, kWatched) {
    set_options(socket_);
}

void MonitoredSocket::connect(const std::string& endpoint) {
    socket_.set(zmq::sockopt::ipv6, is_ipv6(endpoint));
    socket_.connect(endpoint);
}

ConnectionEvents MonitoredSocket::take_events() {
    ConnectionEvents events;
    while (const auto event = monitor_.next()) {
        if (event->number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            events.connected = true;
        } else {
            events = {false, true};
        }
    }
    return events;
}

}  // namespace blocky
