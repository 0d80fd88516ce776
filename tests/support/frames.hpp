// Whole ZeroMQ messages as lists of frames, received before a deadline.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <zmq.hpp>

#include "tests/support/deadline.hpp"

namespace blocky::test {

using Frames = std::vector<std::string>;

inline void send_frames(zmq::socket_t& socket, const Frames& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const bool last = i + 1 == frames.size();
        const auto flags = last ? zmq::send_flags::none : zmq::send_flags::sndmore;
        REQUIRE(socket.send(zmq::buffer(frames[i]), flags));
    }
}

// Nothing when none has come before the time is over.
inline std::optional<Frames> receive_frames(zmq::socket_t& socket,
                                            std::chrono::milliseconds wait = kDeadline) {
    zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
    const auto end = std::chrono::steady_clock::now() + wait;
    zmq::message_t frame;
    // A readable socket may still have nothing to give: a stale reply that REQ drops, for one.
    while (!socket.recv(frame, zmq::recv_flags::dontwait)) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            return std::nullopt;
        }
        zmq::poll(&item, 1, left);
    }
    Frames frames{frame.to_string()};
    while (frame.more()) {
        REQUIRE(socket.recv(frame));
        frames.push_back(frame.to_string());
    }
    return frames;
}

}  // namespace blocky::test
