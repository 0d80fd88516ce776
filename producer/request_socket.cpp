// REQ with correlated replies, and its monitor.
#include "producer/request_socket.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>

#include "common/endpoint.hpp"

namespace blocky {
namespace {

void set_options(zmq::socket_t& socket, const std::string& endpoint) {
    using namespace zmq::sockopt;
    // Send again without having had a reply; without correlation the late reply to the first try
    // would then be taken for the reply to the next message: a false acknowledgement.
    socket.set(req_relaxed, 1);
    socket.set(req_correlate, 1);
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
    socket.set(ipv6, is_ipv6(endpoint));
}

// A monitor needs an endpoint of its own in the process.
std::string monitor_endpoint() {
    static std::atomic<unsigned> sockets{0};
    return "inproc://blocky-monitor-" + std::to_string(++sockets);
}

constexpr int kWatched = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;

}  // namespace

RequestSocket::RequestSocket(zmq::context_t& context, const std::string& endpoint)
    : socket_(context, zmq::socket_type::req), monitor_(context, zmq::socket_type::pair) {
    set_options(socket_, endpoint);
    const auto name = monitor_endpoint();
    if (zmq_socket_monitor(socket_.handle(), name.c_str(), kWatched) != 0) {
        throw zmq::error_t();
    }
    monitor_.set(zmq::sockopt::linger, 0);
    monitor_.connect(name);
    socket_.connect(endpoint);
}

// The monitor first: without a reader it would make ZeroMQ's I/O thread wait, and every other
// socket of the context with it.
RequestSocket::~RequestSocket() {
    zmq_socket_monitor(socket_.handle(), nullptr, 0);
}

bool RequestSocket::send(std::string_view body) {
    return socket_.send(zmq::buffer(body), zmq::send_flags::dontwait).has_value();
}

std::optional<std::string> RequestSocket::receive() {
    zmq::message_t frame;
    if (!socket_.recv(frame, zmq::recv_flags::dontwait)) {
        return std::nullopt;
    }
    auto body = frame.to_string();
    while (frame.more()) {  // a reply has one frame; what else comes makes it no reply
        [[maybe_unused]] const auto more = socket_.recv(frame, zmq::recv_flags::dontwait);
        body.clear();
    }
    return body;
}

// Each event is a frame with its number (16 bits, this machine's order) and a value, and a frame
// with the endpoint: zmq_socket_monitor(3).
RequestSocket::Events RequestSocket::take_events() {
    Events events;
    zmq::message_t event;
    zmq::message_t endpoint;
    while (monitor_.recv(event, zmq::recv_flags::dontwait)) {
        [[maybe_unused]] const auto rest = monitor_.recv(endpoint, zmq::recv_flags::dontwait);
        std::uint16_t number = 0;
        std::memcpy(&number, event.data(), sizeof number);
        if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            events.connected = true;
        } else {
            events = {false, true};
        }
    }
    return events;
}

}  // namespace blocky
