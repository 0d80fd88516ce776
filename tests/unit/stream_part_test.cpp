// A part of a stream that is read back, against a stream that is a set of sequences.
#include "consumer/sinks/stream_part.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_set>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

using Sequences = std::set<std::uint64_t>;
using Ids = std::unordered_set<std::string>;

constexpr std::uint64_t kLength = StreamPart::kLanes * StreamPart::kLaneLength;

StreamMessage next_of(const Sequences& stream, std::uint64_t from) {
    const auto found = stream.lower_bound(from);
    return found == stream.end() ? StreamMessage{} : StreamMessage{*found, std::to_string(*found)};
}

Sequences up_to(std::uint64_t last) {
    Sequences all;
    for (std::uint64_t i = 1; i <= last; ++i) {
        all.insert(i);
    }
    return all;
}

// Asks all lanes in turn, as if each answer came after the others' questions.
ReadBack read(const Sequences& stream, std::uint64_t after) {
    StreamPart part(after);
    while (!part.done()) {
        for (std::size_t lane = 0; lane < StreamPart::kLanes; ++lane) {
            if (const auto from = part.question(lane)) {
                REQUIRE(part.answer(lane, next_of(stream, *from)));
            }
        }
    }
    return part.take();
}

TEST_CASE("a part of a full stream has all its ids, and the next one begins behind it") {
    const auto stream = up_to(2 * kLength);
    const auto part = read(stream, 5);
    CHECK(part.ids.size() == kLength);
    CHECK(part.ids.contains("6"));
    CHECK(part.ids.contains(std::to_string(5 + kLength)));
    CHECK(part.last_sequence == 5 + kLength);
    CHECK_FALSE(part.at_end);
}

TEST_CASE("where the stream ends is told, in the first lane and in a later one") {
    const auto first = read(up_to(3), 0);
    CHECK(first.ids == Ids{"1", "2", "3"});
    CHECK(first.last_sequence == 3);
    CHECK(first.at_end);
    const auto later = read(up_to(100), 3);
    CHECK(later.ids.size() == 97);
    CHECK(later.last_sequence == 100);
    CHECK(later.at_end);
}

TEST_CASE("an empty stream, and one that ends before the part, is at its end") {
    CHECK(read({}, 0).at_end);
    CHECK(read({}, 0).last_sequence == 0);
    CHECK(read(up_to(3), 7).at_end);
    CHECK(read(up_to(3), 7).last_sequence == 7);
}

TEST_CASE("a gap is crossed at once, however long, and nothing behind it is passed over") {
    const auto far = 1000 * kLength;
    const Sequences stream{2, 40, far, far + 1};
    const auto part = read(stream, 0);
    CHECK(part.ids == Ids{"2", "40"});
    CHECK(part.last_sequence == far - 1);
    CHECK_FALSE(part.at_end);
    const auto next = read(stream, part.last_sequence);
    CHECK(next.ids == Ids{std::to_string(far), std::to_string(far + 1)});
    CHECK(next.at_end);
}

TEST_CASE("a stream of any density is read whole, part by part") {
    for (const std::uint64_t step : {1U, 2U, 15U, 16U, 17U, 1000U, 1024U, 5000U}) {
        CAPTURE(step);
        Sequences stream;
        Ids expected;
        for (std::uint64_t i = 1; i <= 300; ++i) {
            stream.insert(i * step);
            expected.insert(std::to_string(i * step));
        }
        Ids found;
        ReadBack part;
        while (!part.at_end) {
            part = read(stream, part.last_sequence);
            found.insert(part.ids.begin(), part.ids.end());
        }
        CHECK(found == expected);
    }
}

TEST_CASE("what is stored while the lanes ask is left to the next part") {
    StreamPart part(0);
    REQUIRE(part.answer(0, {}));  // nothing from 1 on
    for (std::size_t lane = 1; lane < StreamPart::kLanes; ++lane) {
        REQUIRE(part.answer(lane, {5 * kLength, "late"}));
    }
    REQUIRE(part.done());
    const auto result = part.take();
    CHECK(result.at_end);
    CHECK(result.last_sequence == 0);
}

TEST_CASE("a message that stands before what was asked for is no answer") {
    StreamPart part(100);
    CHECK_FALSE(part.answer(0, {100, "x"}));
}

}  // namespace
}  // namespace blocky::test
