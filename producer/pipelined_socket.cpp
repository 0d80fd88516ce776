// Three frames out, three frames in.
#include "producer/pipelined_socket.hpp"

#include <cstring>

namespace blocky {

PipelinedSocket::PipelinedSocket(zmq::context_t& context, const std::string& endpoint,
                                 const std::optional<CurveClient>& curve)
    : socket_(context, zmq::socket_type::dealer) {
    // Without a limit of ZeroMQ's: the client has one of its own, on what is in flight, and with it
    // on the replies that can come.
    socket_.socket().set(zmq::sockopt::sndhwm, 0);
    socket_.socket().set(zmq::sockopt::rcvhwm, 0);
    socket_.connect(endpoint, curve);
}

bool PipelinedSocket::send(std::uint64_t tag, zmq::message_t&& body) {
    constexpr auto kMore = zmq::send_flags::dontwait | zmq::send_flags::sndmore;
    auto& socket = socket_.socket();
    return socket.send(zmq::buffer(&tag, sizeof tag), kMore) &&
           socket.send(zmq::message_t(), kMore) &&
           socket.send(std::move(body), zmq::send_flags::dontwait);
}

bool PipelinedSocket::receive() {
    zmq::message_t tag;
    while (receive_frame(tag)) {
        if (tag.size() != sizeof tag_ || !tag.more()) {
            drop_rest(tag);
            continue;
        }
        std::memcpy(&tag_, tag.data(), sizeof tag_);
        receive_frame(delimiter_);
        const bool framed = delimiter_.empty() && delimiter_.more();
        auto& last = framed ? body_ : delimiter_;
        if (framed) {
            receive_frame(body_);
        }
        if (!framed || body_.more()) {  // no reply, so nothing that could be taken for one
            drop_rest(last);
            body_.rebuild();
        }
        return true;
    }
    return false;
}

std::string_view PipelinedSocket::body() const {
    return {static_cast<const char*>(body_.data()), body_.size()};
}

// The frames of a message arrive together: only the first of them can be missing.
bool PipelinedSocket::receive_frame(zmq::message_t& frame) {
    return socket_.socket().recv(frame, zmq::recv_flags::dontwait).has_value();
}

void PipelinedSocket::drop_rest(zmq::message_t& frame) {
    while (frame.more() && receive_frame(frame)) {
    }
}

}  // namespace blocky
