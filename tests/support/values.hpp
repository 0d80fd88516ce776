// Short ways to write down the plain values that tests are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/protocol.hpp"
#include "consumer/batch.hpp"
#include "consumer/bundle.hpp"
#include "consumer/envelope.hpp"

namespace blocky::test {

using namespace std::chrono_literals;

// A time on a clock that only the test moves.
inline TimePoint at(Duration since_start) {
    return TimePoint(1h) + since_start;
}

// The envelope of a REQ socket whose connection has that name.
inline Envelope envelope_from(std::string_view connection) {
    Envelope envelope;
    envelope.append(connection);
    envelope.append("");
    return envelope;
}

// Whoever waits for a message that was sent alone.
inline Claim claim_from(std::string_view connection) {
    return {envelope_from(connection), nullptr, 0};
}

inline std::vector<std::string> frames_of(const Envelope& envelope) {
    std::vector<std::string> frames;
    envelope.for_each([&](std::string_view frame, bool /*last*/) {
        frames.emplace_back(frame);
        return true;
    });
    return frames;
}

// Batch `number` with these values, whose ids are id-1, id-2 …
inline Batch batch_of(const std::vector<std::string>& values, std::uint64_t number = 1) {
    Batch batch;
    batch.number = number;
    batch.closed_at = at(0s);
    for (std::size_t i = 0; i < values.size(); ++i) {
        batch.add(i + 1, "producer", "id-" + std::to_string(i + 1), values[i]);
    }
    return batch;
}

inline std::shared_ptr<const Batch> shared_batch(const std::vector<std::string>& values,
                                                 std::uint64_t number = 1) {
    return std::make_shared<const Batch>(batch_of(values, number));
}

// "1" … "N".
inline std::vector<std::string> numbers_up_to(std::size_t count) {
    std::vector<std::string> numbers;
    for (std::size_t i = 1; i <= count; ++i) {
        numbers.push_back(std::to_string(i));
    }
    return numbers;
}

// A view: the texts must outlive it.
inline PushRequest request(std::string_view value, std::string_view id = {}) {
    return {value, {}, id};
}

}  // namespace blocky::test
