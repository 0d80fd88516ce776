// The way back to a producer: kept whole, given back untouched; and which frames belong to it.
#include "consumer/envelope.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Part = RequestFrames::Part;

std::vector<Part> parts_of(RequestFrames& frames, const std::vector<std::string>& received) {
    std::vector<Part> parts;
    for (const auto& frame : received) {
        parts.push_back(frames.add(frame));
    }
    return parts;
}

TEST_CASE("an envelope gives its frames back as they came, of any size and content") {
    std::vector<std::string> frames;
    for (const unsigned size : {1U, 0U, 2U, 126U, 127U, 128U, 129U, 16383U, 16384U, 70000U}) {
        frames.emplace_back(size, '\0');
        for (std::size_t i = 0; i < size; ++i) {
            frames.back()[i] = static_cast<char>(i * 31);
        }
    }
    Envelope envelope;
    for (const auto& frame : frames) {
        envelope.append(frame);
    }
    CHECK(frames_of(envelope) == frames);
    CHECK(envelope.connection() == frames.front());
}

TEST_CASE("only the last frame is announced as the last") {
    const auto envelope = envelope_from("abcde");
    std::vector<bool> last;
    envelope.for_each([&](std::string_view /*frame*/, bool is_last) {
        last.push_back(is_last);
        return true;
    });
    CHECK(last == std::vector<bool>{false, true});
}

TEST_CASE("a visit that says so is the last one") {
    const auto envelope = envelope_from("abcde");
    int visits = 0;
    envelope.for_each([&](std::string_view /*frame*/, bool /*last*/) {
        ++visits;
        return false;
    });
    CHECK(visits == 1);
}

TEST_CASE("an empty envelope has no frames and no connection") {
    const Envelope envelope;
    CHECK(frames_of(envelope).empty());
    CHECK(envelope.connection().empty());
    CHECK(envelope.bytes() == 0);
}

TEST_CASE("the envelope of a correlated REQ socket fits a string without an allocation") {
    Envelope envelope;
    envelope.append("12345");
    envelope.append("1234");
    envelope.append("");
    CHECK(envelope.bytes() <= std::string().capacity());
}

TEST_CASE("a REQ socket's frames are routing id, delimiter, body") {
    RequestFrames frames;
    CHECK(parts_of(frames, {"id", "", "body"}) ==
          std::vector{Part::kEnvelope, Part::kEnvelope, Part::kBody});
    CHECK(frames.answerable());
    CHECK(frames.has_one_body());
    CHECK(frames_of(frames.take_envelope()) == std::vector<std::string>{"id", ""});
}

TEST_CASE("frames of correlation and of proxies before the delimiter are kept") {
    RequestFrames frames;
    parts_of(frames, {"id", "proxy", "request", "", "body"});
    CHECK(frames.has_one_body());
    CHECK(frames_of(frames.take_envelope()) ==
          std::vector<std::string>{"id", "proxy", "request", ""});
}

TEST_CASE("only the first empty frame is the delimiter, and a body may be empty") {
    RequestFrames frames;
    CHECK(parts_of(frames, {"id", "", ""}) ==
          std::vector{Part::kEnvelope, Part::kEnvelope, Part::kBody});
    CHECK(frames.has_one_body());
}

TEST_CASE("no body and two bodies can be answered, but are no request") {
    RequestFrames none;
    parts_of(none, {"id", ""});
    CHECK(none.answerable());
    CHECK_FALSE(none.has_one_body());

    RequestFrames two;
    CHECK(parts_of(two, {"id", "", "first", "second"}).back() == Part::kIgnored);
    CHECK(two.answerable());
    CHECK_FALSE(two.has_one_body());
    CHECK(frames_of(two.take_envelope()) == std::vector<std::string>{"id", ""});
}

TEST_CASE("a delimiter among the first 16 frames of a client counts, a later one does not") {
    for (const std::size_t before : {0U, 1U, 14U, 15U, 16U, 17U, 100U}) {
        CAPTURE(before);
        RequestFrames frames;
        frames.add("routing id");
        for (std::size_t i = 0; i < before; ++i) {
            frames.add("x");
        }
        frames.add("");
        frames.add("body");
        CHECK(frames.answerable() == (before <= 15));
        CHECK(frames.has_one_body() == (before <= 15));
    }
}

TEST_CASE("a message without a delimiter cannot be answered") {
    RequestFrames frames;
    parts_of(frames, {"id", "body"});
    CHECK_FALSE(frames.answerable());
    RequestFrames only_id;
    parts_of(only_id, {"id"});
    CHECK_FALSE(only_id.answerable());
}

TEST_CASE("ten thousand frames take no more memory than the first few") {
    RequestFrames frames;
    frames.add("id");
    for (int i = 0; i < 10'000; ++i) {
        frames.add("a frame");
    }
    CHECK_FALSE(frames.answerable());
    CHECK(frames.take_envelope().bytes() < 200);

    RequestFrames bodies;
    bodies.add("id");
    bodies.add("");
    for (int i = 0; i < 10'000; ++i) {
        bodies.add("a body");
    }
    CHECK(bodies.answerable());
    CHECK_FALSE(bodies.has_one_body());
    CHECK(bodies.take_envelope().bytes() < 200);
}

}  // namespace
}  // namespace blocky::test
