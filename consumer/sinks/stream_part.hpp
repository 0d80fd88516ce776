// A part of a stream that is read back: the questions that are open at a time, and what came of
// them. JetStream's API tells one message for each question, the next of a subject, so the part is
// cut into lanes that are asked side by side; one question after the other would cost a round trip
// for each message. Knows nothing of how it is asked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "consumer/sinks/jetstream.hpp"
#include "consumer/sinks/stream_message.hpp"

namespace blocky {

class StreamPart {
public:
    // Answers carry the values, too, so this many of the largest (1 MiB, unless servers were set
    // otherwise) should fit into memory.
    static constexpr std::size_t kLanes = 64;
    static constexpr std::uint64_t kLaneLength = 16;

    // What stands behind that sequence, as far as kLanes * kLaneLength.
    explicit StreamPart(std::uint64_t after_sequence);

    // From which sequence on this lane asks for the next message; nothing: it is done.
    std::optional<std::uint64_t> question(std::size_t lane) const;

    // To the lane's question. False when it is none: the message stands before what was asked for.
    bool answer(std::size_t lane, StreamMessage message);

    bool done() const { return open_ == 0; }

    // Once it is done. What stands behind the part up to the next message counts as read.
    ReadBack take();

private:
    struct Lane {
        std::uint64_t next;
        std::uint64_t end;  // of what it reads, itself not in it; next == end: done
    };

    std::array<Lane, kLanes> lanes_{};
    std::size_t open_ = kLanes;
    std::uint64_t next_behind_ = 0;  // the first sequence that is not read
    ReadBack result_;
};

}  // namespace blocky
