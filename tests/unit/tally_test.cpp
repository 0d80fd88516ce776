// The progress line and the closing summary of a producer.
#include "producer/tally.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

PushResult acknowledged(Duration held, bool duplicate = false) {
    Acknowledgement acknowledgement;
    acknowledgement.held = held;
    acknowledgement.reply.ok = true;
    acknowledgement.reply.duplicate = duplicate;
    return acknowledgement;
}

PushResult failed(PushFailure::Kind kind) {
    return tl::make_unexpected(PushFailure{kind, "", ""});
}

struct Run {
    explicit Run(std::optional<std::uint64_t> count = std::nullopt)
        : tally(at(0s), "message", count) {}

    // So many messages, each held for 10 ms, the last of them answered at `now`.
    void push(std::uint64_t messages, Duration now,
              std::optional<double> input_taken = std::nullopt) {
        for (std::uint64_t i = 0; i < messages; ++i) {
            tally.pushed(++number, at(now - 10ms));
            tally.settled(acknowledged(10ms), at(now), input_taken);
        }
    }
    bool says(Duration now, const std::string& what) {
        const auto text = tally.progress(at(now));
        CAPTURE(text);
        return text.find(what) != std::string::npos;
    }

    Tally tally;
    std::uint64_t number = 0;
};

TEST_CASE("progress has the count, the rate and how long replies took") {
    Run run;
    run.push(100, 1s);
    const auto text = run.tally.progress(at(1s));
    CHECK(text.starts_with("100 acknowledged, 100/s, held 10"));
    CHECK(text.find('%') == std::string::npos);
    CHECK(text.find("left") == std::string::npos);
}

TEST_CASE("the rate is that of the last seconds, not of the whole run") {
    Run run;
    run.push(1000, 1s);
    run.tally.progress(at(1s));
    run.push(50, 6s);
    CHECK(run.says(6s, ", 10/s"));
}

TEST_CASE("where the end is known there is a share and the time that is left") {
    Run run(400);
    run.push(100, 5s);
    CHECK(run.says(5s, "100 acknowledged, 25 %, 20/s, 15 s left"));
    run.push(300, 20s);
    const auto text = run.tally.progress(at(20s));
    CHECK(text.find("100 %") != std::string::npos);
    CHECK(text.find("left") == std::string::npos);
}

TEST_CASE("the share of an input counts what is answered, not what was read") {
    Run run;
    run.tally.pushed(1, at(0s));
    run.tally.pushed(2, at(0s));
    run.tally.settled(acknowledged(1s), at(1s), 0.8);
    CHECK(run.says(1s, ", 40 %"));
}

TEST_CASE("a producer that is held for long says what it waits for") {
    Run run;
    run.push(6, 1s);
    run.tally.pushed(7, at(1s));
    CHECK_FALSE(run.tally.waits(at(2s)));
    CHECK(run.tally.waits(at(13s)));
    CHECK(run.says(13s, "waiting for 12 s for the reply to message 7"));
    run.tally.pushed(8, at(13s));
    CHECK(run.says(14s, "waiting for 13 s for replies to 2 messages"));
}

TEST_CASE("the summary counts what became of each message") {
    Run run;
    run.push(2, 1s);
    const auto one = [&run](const PushResult& result) {
        run.tally.pushed(++run.number, at(1s));
        run.tally.settled(result, at(1s), std::nullopt);
    };
    one(acknowledged(10ms, true));
    one(failed(PushFailure::Kind::kRefused));
    one(failed(PushFailure::Kind::kGaveUp));
    one(failed(PushFailure::Kind::kNotSent));
    run.tally.skipped();
    const auto text = run.tally.summary(at(3s));
    CAPTURE(text);
    CHECK(
        text.starts_with("5 sent, 3 acknowledged (1 duplicates), 1 rejected, 1 without an answer, "
                         "1 messages skipped; held p50 10"));
    CHECK(text.ends_with("; 1.0/s for 3000 ms"));
    CHECK(run.says(3s, ", 3 not acknowledged"));
}

TEST_CASE("a run without a message has a summary without times") {
    const Run run;
    const auto text = run.tally.summary(at(1s));
    CHECK(text.starts_with("0 sent, 0 acknowledged (0 duplicates), 0 rejected; 0.0/s for "));
}

}  // namespace
}  // namespace blocky::test
