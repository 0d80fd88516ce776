// The way back to whoever sent a request: every frame up to and including the first empty one,
// kept whole and sent back untouched. REQ sends one frame more with ZMQ_REQ_CORRELATE, proxies and
// pipelined clients add their own (https://rfc.zeromq.org/spec/28/, "reply envelope").
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace blocky {

class Envelope {
public:
    // Frames in the order in which they were received; the routing id is the first.
    void append(std::string_view frame);

    // Calls `visit(frame, last)` for each frame in order, until it returns false.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t at = 0; at < packed_.size();) {
            const auto frame = next_frame(at);
            if (!visit(frame, at == packed_.size())) {
                return;
            }
        }
    }

    // The first frame: ZeroMQ's name for the connection. Never keep it beyond the connection.
    std::string_view connection() const;

    // What the frames take in memory, about.
    std::size_t bytes() const { return packed_.size(); }

private:
    // The frame at `at`, which moves behind it.
    std::string_view next_frame(std::size_t& at) const;

    // Each frame after its size, seven bits a byte: the envelope of a REQ socket (a routing id of
    // five bytes, a request id of four, the delimiter) fits std::string without an allocation.
    std::string packed_;
};

// Tells the frames of one request apart as they come in, keeping those of the envelope.
class RequestFrames {
public:
    enum class Part {
        kEnvelope,  // has been kept
        kBody,      // the one frame after the delimiter: the caller keeps it
        kIgnored    // beyond what a request may have
    };

    // Frames in order, the routing id that ZeroMQ puts in front included.
    Part add(std::string_view frame);

    // Whether there is a delimiter where a client may put it: without one nobody can be answered.
    bool answerable() const { return delimited_; }
    // Whether exactly one frame followed the delimiter.
    bool has_one_body() const { return bodies_ == 1; }
    Envelope take_envelope() { return std::move(envelope_); }

private:
    Envelope envelope_;
    std::size_t frames_ = 0;
    std::size_t bodies_ = 0;
    bool delimited_ = false;
};

}  // namespace blocky
