// The consumer's ROUTER socket: its options, requests in, replies out. What a request says and
// who is answered when is not known here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "consumer/curve_server.hpp"
#include "consumer/envelope.hpp"
#include "consumer/ipc_listener.hpp"
#include "consumer/release.hpp"

namespace blocky {

// A request as it was read.
struct Request {
    Envelope envelope;
    zmq::message_t body;        // of several, the last one
    bool has_one_body = false;  // as the protocol asks
};

std::string_view view(const zmq::message_t& frame);

// Who sent it, as the Authenticator has said; empty if it was not asked. A look-up by string.
std::string_view user_id(const Request& request);

// Owned and touched by one thread.
class RouterSocket {
public:
    // Whether clients are asked now and then whether they are there, which tells those that hang,
    // too, within 5 s. Not without need: with thousands of connections it costs a third of a core,
    // and it cuts off a client whose queue of requests stays full.
    enum class Heartbeats { kOff, kOn };

    // For frames of about so many bytes, and so many messages held of one client. Throws
    // zmq::error_t.
    RouterSocket(zmq::context_t& context, std::uint64_t max_message_bytes,
                 std::uint64_t max_held_of_one, Heartbeats heartbeats = Heartbeats::kOff);

    // How what it binds is protected.
    struct Protection {
        std::optional<CurveServer> curve;  // of tcp; nothing: unencrypted
        mode_t ipc_mode = 0600;            // of ipc sockets that are files
    };
    // Before bind().
    void protect_by(Protection protection) { protection_ = std::move(protection); }

    // Returns where it listens, with the port that was given. A `descriptor` that listens there
    // already is served, and owned from now on. Throws std::runtime_error that names the endpoint.
    std::string bind(const std::string& endpoint, std::optional<int> descriptor = std::nullopt);

    enum class Received {
        kNothing,
        kUnanswerable,  // it has no delimiter, so there is no way back: dropped
        kRequest
    };
    // Reads one request, all its frames. Never waits.
    Received receive(Request& request);

    // Sends a reply. Never waits for a peer: false for one that has gone or does not read.
    bool send(const Envelope& envelope, std::string_view body, Sharing sharing);

    // For poll(2). Turns readable when something may have come, and only once: ask has_more()
    // first, for sending, too, may take from it what says that a request has come (ZMQ_FD,
    // zmq_getsockopt(3)).
    int descriptor() const { return socket_.get(zmq::sockopt::fd); }
    bool has_more() const { return (socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; }

    // To be watched by a SocketMonitor.
    zmq::socket_t& socket() { return socket_; }

private:
    zmq::message_t reply_frame(std::string_view body, Sharing sharing);

    int listen_on(const std::string& endpoint);

    Protection protection_;
    std::vector<IpcListener> ipc_listeners_;  // before the socket, which closes what they made
    zmq::socket_t socket_;
    zmq::message_t shared_body_;  // of the latest replies that had one in common
};

}  // namespace blocky
