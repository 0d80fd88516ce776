// A REQ socket set up so that sending again is always safe, and a monitor that tells when its
// connection broke: ZeroMQ reconnects by itself, but a request that was in the old connection is
// lost, and a REQ socket does not say so.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <zmq.hpp>

namespace blocky {

// Owned and touched by one thread.
class RequestSocket {
public:
    // Starts to connect, and goes on trying for as long as it lives. Throws zmq::error_t.
    RequestSocket(zmq::context_t& context, const std::string& endpoint);
    ~RequestSocket();
    RequestSocket(const RequestSocket&) = delete;
    RequestSocket& operator=(const RequestSocket&) = delete;

    // Sends a request, or sends it again. Only while there is a connection: it would be queued, and
    // arrive together with all its repetitions.
    bool send(std::string_view body);

    // The reply to the latest request; nothing when none has come yet. Never waits. Late replies to
    // earlier requests are dropped by ZeroMQ.
    std::optional<std::string> receive();

    // What has happened to the connection since the last call. Never waits.
    struct Events {
        bool connected = false;     // is connected, after it was not
        bool disconnected = false;  // was cut: what had been sent may be lost
    };
    Events take_events();

    zmq::pollitem_t poll_item(short events) { return {socket_.handle(), 0, events, 0}; }
    zmq::pollitem_t monitor_item() { return {monitor_.handle(), 0, ZMQ_POLLIN, 0}; }

private:
    zmq::socket_t socket_;
    zmq::socket_t monitor_;
};

}  // namespace blocky
