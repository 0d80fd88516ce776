// REQ with correlated replies.
#include "producer/request_socket.hpp"

namespace blocky {

RequestSocket::RequestSocket(zmq::context_t& context, const std::string& endpoint,
                             const std::optional<CurveClient>& curve)
    : socket_(context, zmq::socket_type::req) {
    // Send again without having had a reply; without correlation the late reply to the first try
    // would then be taken for the reply to the next message: a false acknowledgement.
    socket_.socket().set(zmq::sockopt::req_relaxed, 1);
    socket_.socket().set(zmq::sockopt::req_correlate, 1);
    socket_.connect(endpoint, curve);
}

bool RequestSocket::send(std::string_view body) {
    return socket_.socket().send(zmq::buffer(body), zmq::send_flags::dontwait).has_value();
}

std::optional<std::string> RequestSocket::receive() {
    zmq::message_t frame;
    if (!socket_.socket().recv(frame, zmq::recv_flags::dontwait)) {
        return std::nullopt;
    }
    auto body = frame.to_string();
    while (frame.more()) {  // a reply has one frame; what else comes makes it no reply
        [[maybe_unused]] const auto more = socket_.socket().recv(frame, zmq::recv_flags::dontwait);
        body.clear();
    }
    return body;
}

}  // namespace blocky
