// Each event is a frame with its number (16 bits) and value (32 bits), both in this machine's
// order, and a frame with the endpoint.
#include "common/socket_monitor.hpp"

#include <atomic>
#include <cstring>
#include <string>

namespace blocky {
namespace {

// A monitor needs an endpoint of its own in the process.
std::string unused_endpoint() {
    static std::atomic<unsigned> monitors{0};
    return "inproc://blocky-monitor-" + std::to_string(++monitors);
}

}  // namespace

SocketMonitor::SocketMonitor(zmq::context_t& context, zmq::socket_t& socket, int events)
    : socket_(socket), reader_(context, zmq::socket_type::pair) {
    const auto endpoint = unused_endpoint();
    if (zmq_socket_monitor(socket_.handle(), endpoint.c_str(), events) != 0) {
        throw zmq::error_t();
    }
    reader_.set(zmq::sockopt::linger, 0);
    reader_.set(zmq::sockopt::rcvhwm, 0);
    reader_.connect(endpoint);
}

// The monitor first: without a reader it would make ZeroMQ's I/O thread wait, and every other
// socket of the context with it.
SocketMonitor::~SocketMonitor() {
    zmq_socket_monitor(socket_.handle(), nullptr, 0);
}

std::optional<SocketMonitor::Event> SocketMonitor::next() {
    zmq::message_t frame;
    if (!reader_.recv(frame, zmq::recv_flags::dontwait)) {
        return std::nullopt;
    }
    Event event{};
    const auto* const bytes = static_cast<const char*>(frame.data());
    std::memcpy(&event.number, bytes, sizeof event.number);
    std::memcpy(&event.value, bytes + sizeof event.number, sizeof event.value);
    [[maybe_unused]] const auto endpoint = reader_.recv(frame, zmq::recv_flags::dontwait);
    return event;
}

}  // namespace blocky
