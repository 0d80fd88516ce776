// Events of the monitor, told to Connections in their order.
#include "consumer/connection_watch.hpp"

namespace blocky {
namespace {

constexpr int kWatched = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_ACCEPT_FAILED |
                         ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                         ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

}  // namespace

ConnectionWatch::ConnectionWatch(zmq::context_t& context, zmq::socket_t& socket)
    : monitor_(context, socket, kWatched) {}

// The descriptor is found by a string's look-up, and only frames behind the first have it.
bool ConnectionWatch::show(Request& request) {
    const auto connection = request.envelope.connection();
    if (!request.has_one_body || connections_.knows(connection)) {
        return false;
    }
    connections_.seen(connection, zmq_msg_get(request.body.handle(), ZMQ_SRCFD));
    changed_ = true;
    return true;
}

std::vector<std::string> ConnectionWatch::follow(Metrics& metrics) {
    while (const auto event = monitor_.next()) {
        take(*event, metrics);
    }
    return connections_.settle();
}

void ConnectionWatch::take(const SocketMonitor::Event& event, Metrics& metrics) {
    if (event.number == ZMQ_EVENT_ACCEPTED) {
        connections_.accepted(event.value);
    } else if (event.number == ZMQ_EVENT_DISCONNECTED) {
        connections_.ended(event.value);
    } else if (event.number == ZMQ_EVENT_ACCEPT_FAILED) {
        ++metrics.accepts_failed;
    } else {
        ++metrics.handshakes_failed;
    }
}

}  // namespace blocky
