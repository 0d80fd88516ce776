// What a reader of /events is sent, over the same board that the server looks at.
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "consumer/http/event_stream.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/made_up_snapshot.hpp"

namespace blocky::test {
namespace {

// A board, and one reader of it.
struct Reading {
    explicit Reading(EventStream::Request request = {})
        : stream(board, ending, std::move(request)) {}

    void put_up(Snapshot snapshot) { board.put_up(shared(std::move(snapshot))); }

    // What is sent next, waited for; at the end "over".
    std::string next() {
        const auto deadline = Clock::now() + kDeadline;
        while (Clock::now() < deadline) {
            const auto text = stream.next();
            if (!text) {
                return "over";
            }
            if (!text->empty()) {
                return *text;
            }
        }
        return "nothing";
    }

    void end() {
        ending.begin();
        board.close();
    }

    SinkActivity activity;
    StatusBoard board{activity};
    Ending ending;
    EventStream stream;
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string line(std::uint64_t number) {
    return "data: " + made_up_batch(number)->line + "\n";
}

constexpr const char* kRetry = "retry: 1000\n\n";

}  // namespace

TEST_CASE("a reader is sent what comes, and nothing of the past") {
    Reading reading;
    reading.put_up(made_up_snapshot(7));
    CHECK(reading.next() == kRetry);
    reading.put_up(made_up_snapshot(8));
    CHECK(reading.next() == "event: batch\nid: 0123456789abcdef-8\n" + line(8) + "\n");
}

TEST_CASE("batches that end close together share one event") {
    Reading reading;
    reading.put_up(made_up_snapshot(7));
    REQUIRE(reading.next() == kRetry);
    for (std::uint64_t number = 8; number <= 10; ++number) {
        reading.put_up(made_up_snapshot(number));
    }
    CHECK(reading.next() ==
          "event: batch\nid: 0123456789abcdef-10\n" + line(8) + line(9) + line(10) + "\n");
}

TEST_CASE("a reader that comes back is sent what it has missed of this run") {
    Reading reading({false, "0123456789abcdef-5"});
    reading.put_up(made_up_snapshot(7));
    CHECK(reading.next() == std::string(kRetry) + "event: batch\nid: 0123456789abcdef-7\n" +
                                line(6) + line(7) + "\n");
}

TEST_CASE("an id of another run, or that is none, asks for nothing of the past") {
    for (const auto* id : {"other-5", "0123456789abcdef-", "0123456789abcdef-x", "-", "5",
                           "0123456789abcdef-99999999999999999999", "0123456789abcdef-8"}) {
        CAPTURE(id);
        Reading reading({false, id});
        reading.put_up(made_up_snapshot(7));
        CHECK(reading.next() == kRetry);
        reading.put_up(made_up_snapshot(8));
        CHECK(has(reading.next(), "id: 0123456789abcdef-8\n" + line(8) + "\n"));
    }
}

TEST_CASE("a reader that came while the consumer started is sent all that comes") {
    Reading reading;
    CHECK(reading.next() == kRetry);
    reading.put_up(made_up_snapshot(1));
    CHECK(has(reading.next(), line(1)));
}

TEST_CASE("the state is sent at first and with each change, the roster with its changes") {
    Reading reading({true, ""});
    reading.put_up(made_up_snapshot(7, 2));
    const auto first = reading.next();
    CHECK(first.starts_with(kRetry));
    CHECK(has(first, "event: roster\ndata: {\"version\":1,\"names\":[\"p0\",\"p1\"]}\n\n"));
    CHECK(has(first, "event: state\ndata: {\"run\":"));
    reading.put_up(made_up_snapshot(7, 2));
    const auto second = reading.next();
    CHECK_FALSE(has(second, "event: roster"));
    CHECK(has(second, "event: state"));
    auto changed = made_up_snapshot(7, 3);
    changed.producers.version = 2;
    reading.put_up(changed);
    CHECK(has(reading.next(), "event: roster\ndata: {\"version\":2,"));
}

TEST_CASE("a sink that begins to fail is told without a new snapshot") {
    Reading reading({true, ""});
    reading.put_up(made_up_snapshot());
    CHECK(has(reading.next(), R"("state":"idle")"));
    reading.activity.failed("disk full", Clock::now());
    CHECK(has(reading.next(), "disk full"));
}

TEST_CASE("events come ten times a second at most") {
    Reading reading({true, ""});
    reading.put_up(made_up_snapshot());
    reading.next();
    const auto begin = Clock::now();
    for (int i = 0; i < 3; ++i) {
        reading.put_up(made_up_snapshot());
        CHECK(has(reading.next(), "event: state"));
    }
    CHECK(Clock::now() - begin >= std::chrono::milliseconds(300));
}

TEST_CASE("at the end a last batch and a last state are sent, and then no more") {
    Reading reading({true, ""});
    reading.put_up(made_up_snapshot(7));
    reading.next();
    reading.put_up(made_up_snapshot(8));
    reading.end();
    const auto last = reading.next();
    CHECK(has(last, line(8)));
    CHECK(has(last, R"("state":"stopped")"));
    CHECK(reading.next() == "over");
}

TEST_CASE("a reader ends though the consumer has never served, and however the board is closed") {
    Reading reading;
    CHECK(reading.next() == kRetry);
    reading.board.close();
    CHECK(reading.stream.next() == "");
    reading.end();
    CHECK(reading.next() == "over");
}

}  // namespace blocky::test
