// Each lane goes from message to message until one is behind its end.
#include "consumer/sinks/stream_part.hpp"

#include <algorithm>
#include <utility>

namespace blocky {

StreamPart::StreamPart(std::uint64_t after_sequence) {
    auto begin = after_sequence + 1;
    for (auto& lane : lanes_) {
        lane = {begin, begin + kLaneLength};
        begin = lane.end;
    }
    next_behind_ = begin;
}

std::optional<std::uint64_t> StreamPart::question(std::size_t lane) const {
    const auto& [next, end] = lanes_.at(lane);
    return next < end ? std::optional(next) : std::nullopt;
}

bool StreamPart::answer(std::size_t lane, StreamMessage message) {
    auto& [next, end] = lanes_.at(lane);
    if (message.sequence == 0) {
        // The stream ends before what was asked for. Of several lanes that find that the first
        // counts: while they ask, messages may come in between.
        next_behind_ = result_.at_end ? std::min(next_behind_, next) : next;
        result_.at_end = true;
        next = end;
    } else if (message.sequence < next) {
        return false;
    } else if (message.sequence < end) {
        result_.ids.insert(std::move(message.id));
        next = message.sequence + 1;
    } else {
        if (lane + 1 == kLanes && !result_.at_end) {
            next_behind_ = message.sequence;
        }
        next = end;
    }
    open_ -= next == end ? 1 : 0;
    return true;
}

ReadBack StreamPart::take() {
    result_.last_sequence = next_behind_ - 1;
    return std::exchange(result_, {});
}

}  // namespace blocky
