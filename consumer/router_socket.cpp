// Frames in, frames out.
#include "consumer/router_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include <fmt/format.h>

#include "common/endpoint.hpp"

namespace blocky {
namespace {

// A frame of a multiple of the limit still gets its `too_large`; beyond, ZeroMQ cuts the
// connection.
constexpr std::uint64_t kHardLimitFactor = 4;
constexpr int kLingerMs = 500;
constexpr std::uint64_t kLeastReplies = 50'000;

// The timeout is the shorter part: at each answer libzmq 4.3.4 looks for its timer among all that
// end earlier (poller_base.cpp, cancel_timer). With equal parts 10,000 connections keep its thread
// so busy that it misses heartbeats and cuts the living off.
void send_heartbeats(zmq::socket_t& socket) {
    socket.set(zmq::sockopt::heartbeat_ivl, 3500);
    socket.set(zmq::sockopt::heartbeat_timeout, 1500);
}

void set_options(zmq::socket_t& socket, std::uint64_t max_message_bytes,
                 std::uint64_t max_held_of_one) {
    using namespace zmq::sockopt;
    // A reply to a producer that has gone is an error to count, not silence.
    socket.set(router_mandatory, 1);
    // The decoder allocates what a frame announces; without a limit anyone could ask for all
    // memory.
    socket.set(maxmsgsize, static_cast<std::int64_t>(max_message_bytes * kHardLimitFactor));
    // A client may have so many messages held, and as many again refused while it reads; its
    // replies must fit its queue.
    socket.set(sndhwm, static_cast<int>(
                           std::clamp<std::uint64_t>(max_held_of_one, kLeastReplies, 1 << 30)));
    // So many requests of each client may wait for the router, and then those in the kernel's
    // buffers: beyond that the client's own socket waits. (ZeroMQ's default, said here because it
    // bounds memory.)
    socket.set(rcvhwm, 1000);
    // 10,000 producers may connect at once; the default of 100 makes them wait for SYN retries.
    socket.set(backlog, 4096);
    socket.set(handshake_ivl, 5000);
    // A connection whose host has vanished is cut within 5 s, by the kernel: tcp(7).
    socket.set(tcp_keepalive, 1);
    socket.set(tcp_keepalive_idle, 3);
    socket.set(tcp_keepalive_intvl, 1);
    socket.set(tcp_keepalive_cnt, 2);
    socket.set(tcp_maxrt, 5000);
    // At exit, what a slow reader has not taken yet is given up after this.
    socket.set(linger, kLingerMs);
}

}  // namespace

std::string_view view(const zmq::message_t& frame) {
    return {static_cast<const char*>(frame.data()), frame.size()};
}

std::string_view user_id(const Request& request) {
    const char* const id = zmq_msg_gets(request.body.handle(), "User-Id");
    return id == nullptr ? std::string_view() : id;
}

RouterSocket::RouterSocket(zmq::context_t& context, std::uint64_t max_message_bytes,
                           std::uint64_t max_held_of_one, Heartbeats heartbeats)
    : socket_(context, zmq::socket_type::router) {
    set_options(socket_, max_message_bytes, max_held_of_one);
    if (heartbeats == Heartbeats::kOn) {
        send_heartbeats(socket_);
    }
}

std::string RouterSocket::bind(const std::string& endpoint, std::optional<int> descriptor) {
    try {
        if (protection_.curve) {
            protect(socket_, *protection_.curve, endpoint);
        }
        socket_.set(zmq::sockopt::ipv6, is_ipv6(endpoint));
        socket_.set(zmq::sockopt::use_fd, descriptor ? *descriptor : listen_on(endpoint));
        socket_.bind(endpoint);
        return socket_.get(zmq::sockopt::last_endpoint);
    } catch (const zmq::error_t& error) {
        throw std::runtime_error(fmt::format("cannot bind {}: {}", endpoint, error.what()));
    }
}

// For an ipc socket that is a file a descriptor with the mode that it is to have; else −1: ZeroMQ
// makes one.
int RouterSocket::listen_on(const std::string& endpoint) {
    const auto file = socket_file(endpoint);
    if (file.empty()) {
        return -1;
    }
    try {
        ipc_listeners_.emplace_back(file, protection_.ipc_mode);
    } catch (const std::runtime_error& error) {
        throw std::runtime_error(fmt::format("cannot bind {}: {}", endpoint, error.what()));
    }
    return ipc_listeners_.back().release();
}

RouterSocket::Received RouterSocket::receive(Request& request) {
    RequestFrames frames;
    auto& frame = request.body;
    do {
        if (!socket_.recv(frame, zmq::recv_flags::dontwait)) {
            return Received::kNothing;
        }
        frames.add(view(frame));
    } while (frame.more());
    if (!frames.answerable()) {
        return Received::kUnanswerable;
    }
    request.envelope = frames.take_envelope();
    request.has_one_body = frames.has_one_body();
    return Received::kRequest;
}

bool RouterSocket::send(const Envelope& envelope, std::string_view body, Sharing sharing) {
    const auto flags = zmq::send_flags::dontwait;
    // Before anything can fail: the replies after this one may share its body.
    auto last_frame = reply_frame(body, sharing);
    bool sent = true;
    try {
        envelope.for_each([&](std::string_view frame, bool /*last*/) {
            sent = socket_.send(zmq::buffer(frame), flags | zmq::send_flags::sndmore).has_value();
            return sent;
        });
        return sent && socket_.send(last_frame, flags).has_value();
    } catch (const zmq::error_t& error) {
        if (error.num() != EHOSTUNREACH) {
            throw;
        }
        return false;
    }
}

// Replies that are the same share their bytes.
zmq::message_t RouterSocket::reply_frame(std::string_view body, Sharing sharing) {
    if (sharing == Sharing::kNone) {
        return {body.data(), body.size()};
    }
    if (sharing == Sharing::kFirst) {
        shared_body_.rebuild(body.data(), body.size());
    }
    zmq::message_t frame;
    frame.copy(shared_body_);
    return frame;
}

}  // namespace blocky
