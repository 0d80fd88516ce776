// From a batch to its verdicts without threads: what bisection costs and in which order it goes,
// how long is waited between tries, and that no refusal is told that the dead-letter file has not.
#include "consumer/settler.hpp"

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/captured_log.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/failing_file.hpp"
#include "tests/support/fake_sink.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Kind = Verdict::Kind;

const Settler::Pause kNoPause = [](Duration /*delay*/) { return true; };
constexpr RetryPolicy kForever{};
constexpr RetryPolicy kOnce{0ms};

std::vector<Kind> kinds_of(const std::vector<Verdict>& verdicts) {
    std::vector<Kind> kinds;
    for (const auto& verdict : verdicts) {
        kinds.push_back(verdict.kind);
    }
    return kinds;
}

// What the file has of each message, by its id.
std::map<std::string, nlohmann::json> letters_in(const std::string& path) {
    std::map<std::string, nlohmann::json> letters;
    std::istringstream stream(text_of(path));
    for (std::string line; std::getline(stream, line);) {
        const auto letter = nlohmann::json::parse(line);
        CHECK(letters.emplace(letter.at("payload").at("id"), letter).second);
    }
    return letters;
}

struct WithDeadLetter {
    TemporaryDirectory directory;
    std::string path = directory.file("dead");
    FailingFile calls;
    DeadLetter file{path, "run", calls};
};

TEST_CASE("one bad message costs at most 2·log2(n)+1 calls, for every n and every place") {
    for (std::size_t size = 1; size <= 260; ++size) {
        const auto batch = batch_of(numbers_up_to(size));
        for (std::size_t bad = 0; bad < size; ++bad) {
            FakeSink sink([&](const Batch& part) { return refuse(part, std::to_string(bad + 1)); });
            Settler settler(sink, kForever, nullptr);
            const auto verdicts = settler.settle(batch, kNoPause);
            auto expected = std::vector(size, Kind::kStored);
            expected[bad] = Kind::kRejected;
            REQUIRE(kinds_of(verdicts) == expected);
            REQUIRE(sink.calls.count() <= 2 * std::log2(size) + 1);
        }
    }
}

TEST_CASE("a part whose fault is known to be in it is not asked for as a whole") {
    std::vector<std::size_t> sizes;
    FakeSink sink([&](const Batch& part) {
        sizes.push_back(part.messages.size());
        return refuse(part, "8");
    });
    Settler settler(sink, kForever, nullptr);
    settler.settle(batch_of(numbers_up_to(8)), kNoPause);
    CHECK(sizes == std::vector<std::size_t>{8, 4, 2, 1, 1});
}

TEST_CASE("a sink that only takes small batches has all of them stored") {
    FakeSink sink([](const Batch& part) {
        return part.messages.size() > 3 ? fail(SinkFailure::Kind::kPermanent, "too many")
                                        : store(part);
    });
    Settler settler(sink, kForever, nullptr);
    CHECK(kinds_of(settler.settle(batch_of(numbers_up_to(100)), kNoPause)) ==
          std::vector(100, Kind::kStored));
}

TEST_CASE("delays double up to five seconds, with jitter, and start anew with each batch") {
    int calls = 0;
    FakeSink sink(
        [&](const Batch& batch) { return ++calls > 12 ? store(batch) : fail_transiently(); });
    std::vector<Duration> delays;
    Settler settler(sink, kForever, nullptr);
    for (const int round : {1, 2}) {
        CAPTURE(round);
        calls = delays.empty() ? 0 : 11;
        delays.clear();
        settler.settle(batch_of({"1"}), [&](Duration delay) {
            delays.push_back(delay);
            return true;
        });
        Duration longest = 100ms;
        for (const auto delay : delays) {
            CHECK(delay <= longest);
            CHECK(delay >= longest / 2);
            longest = std::min<Duration>(longest * 2, 5s);
        }
        CHECK(delays.size() == (round == 1 ? 12 : 1));
    }
}

TEST_CASE("where the sink is given up, nothing that comes later is stored") {
    for (std::size_t down_at = 1; down_at <= 9; ++down_at) {
        CAPTURE(down_at);
        int calls = 0;
        std::vector<std::string> stored;
        FakeSink sink([&](const Batch& part) {
            if (++calls == static_cast<int>(down_at)) {
                return fail_transiently();  // once: the next call would succeed
            }
            auto result = refuse(part, "7");
            for (const auto& message : part.messages) {
                if (result) {
                    stored.emplace_back(message.value);
                }
            }
            return result;
        });
        Settler settler(sink, kOnce, nullptr);
        const auto verdicts = settler.settle(batch_of(numbers_up_to(16)), kNoPause);
        const auto first_failed = std::ranges::find(verdicts, Kind::kFailed, &Verdict::kind);
        const auto done = first_failed - verdicts.begin();
        CHECK(std::ranges::all_of(first_failed, verdicts.end(), [](const Verdict& verdict) {
            return verdict.kind == Kind::kFailed && verdict.detail == "the disk is full";
        }));
        std::vector<std::string> expected = numbers_up_to(static_cast<std::size_t>(done));
        std::erase(expected, "7");
        CHECK(stored == expected);
    }
}

TEST_CASE("the time for retries runs from the first failure, not while the sink is at work") {
    int calls = 0;
    FakeSink sink([&](const Batch& batch) {
        const auto until = Clock::now() + 30ms;  // slow, without a sleep
        while (calls == 0 && Clock::now() < until) {
        }
        return ++calls == 1 ? fail_transiently() : store(batch);
    });
    Settler settler(sink, {20ms, 1us, 1us}, nullptr);
    CHECK(kinds_of(settler.settle(batch_of({"1"}), kNoPause)) == std::vector{Kind::kStored});
}

TEST_CASE("the last try is when the time for retries is over, not later") {
    std::vector<Duration> delays;
    FakeSink sink([](const Batch& /*batch*/) { return fail_transiently(); });
    Settler settler(sink, {1ms, 1h, 1h}, nullptr);
    settler.settle(batch_of({"1"}), [&](Duration delay) {
        CHECK(delay <= 1ms);
        delays.push_back(delay);
        return true;
    });
    CHECK_FALSE(delays.empty());
}

TEST_CASE("each failure after a success has all the time for retries, and so has the file") {
    CapturedLog log;
    WithDeadLetter dead;
    dead.calls.failing_syncs = 1;
    int calls = 0;
    // Down before and after each answer: one for the whole batch, one for a half.
    FakeSink sink([&](const Batch& part) {
        return ++calls % 2 == 1 ? fail_transiently() : refuse(part, "2");
    });
    Settler settler(sink, {1h, 2h, 2h}, &dead.file);
    std::vector<Duration> delays;
    settler.settle(batch_of({"1", "2"}), [&](Duration delay) {
        delays.push_back(delay);
        return true;
    });
    // To the nanosecond what there is at first: less if it ran on.
    CHECK(delays == std::vector<Duration>(4, 1h));
    CHECK(letters_in(dead.path).size() == 1);
}

TEST_CASE("a file that fails after the sink was given up has time of its own") {
    CapturedLog log;
    WithDeadLetter dead;
    dead.calls.failing_syncs = 1;
    FakeSink sink([](const Batch& part) -> BatchResult {
        return part.messages.front().value == "1"
                   ? refuse(part, part.messages.size() > 1 ? "2" : "1")
                   : fail_transiently();
    });
    Settler settler(sink, {1ms, 1h, 1h}, &dead.file);
    const auto verdicts =
        settler.settle(batch_of({"1", "2"}), [](Duration /*delay*/) { return true; });
    CHECK(kinds_of(verdicts) == std::vector{Kind::kRejected, Kind::kFailed});
    CHECK(letters_in(dead.path).size() == 1);
}

TEST_CASE("a sink that is given up is said with the option, and one that is stopped is not") {
    CapturedLog log;
    FakeSink sink([](const Batch& /*batch*/) { return fail_transiently(); });
    Settler stopped(sink, {1h}, nullptr);
    stopped.settle(batch_of({"1"}), [](Duration /*delay*/) { return false; });
    CHECK(log.lines().size() == 1);
    Settler settler(sink, kOnce, nullptr);
    settler.settle(batch_of(numbers_up_to(5), 9), kNoPause);
    REQUIRE(log.lines().size() == 3);
    CHECK(contains(log.lines()[2], "batch 9 is given up: 5 messages"));
}

TEST_CASE("of a batch that was stored in part, only the rest is said to be given up") {
    CapturedLog log;
    FakeSink sink([](const Batch& part) {
        if (part.messages.size() == 4) {
            return fail(SinkFailure::Kind::kPermanent, "too many");
        }
        return part.messages.front().value == "1" ? store(part) : fail_transiently();
    });
    Settler settler(sink, kOnce, nullptr);
    settler.settle(batch_of(numbers_up_to(4)), kNoPause);
    REQUIRE(log.lines().size() == 2);
    CHECK(contains(log.lines()[1], "2 messages of it"));
}

TEST_CASE("what is rejected by bisection is in the dead-letter file, with its calls to the sink") {
    WithDeadLetter dead;
    int calls = 0;
    FakeSink sink(
        [&](const Batch& part) { return ++calls <= 2 ? fail_transiently() : refuse(part, "3"); });
    Settler settler(sink, kForever, &dead.file);
    settler.settle(batch_of(numbers_up_to(4), 9), kNoPause);
    const auto letters = letters_in(dead.path);
    REQUIRE(letters.size() == 1);
    const auto& letter = letters.at("id-3");
    CHECK(letter["error"] == "it takes no 3");
    CHECK(letter["batch"] == 9);
    // Thrice the whole batch, not the second half, itself.
    CHECK(letter["attempts"] == 4);
    CHECK(letter["payload"]["value"] == 3);
}

TEST_CASE("what the sink rejects by itself is in the dead-letter file, and nothing else") {
    WithDeadLetter dead;
    FakeSink sink([](const Batch& /*batch*/) -> BatchResult {
        return std::vector<Verdict>{{Kind::kStored, ""},
                                    {Kind::kRejected, "too old"},
                                    {Kind::kDuplicate, ""},
                                    {Kind::kFailed, "perhaps"},
                                    {Kind::kRejected, "too new"}};
    });
    Settler settler(sink, kForever, &dead.file);
    const auto verdicts = settler.settle(batch_of(numbers_up_to(5)), kNoPause);
    CHECK(verdicts[1].detail == "too old");
    const auto letters = letters_in(dead.path);
    CHECK(letters.size() == 2);
    CHECK(letters.at("id-2")["error"] == "too old");
    CHECK(letters.at("id-5")["error"] == "too new");
    CHECK(letters.at("id-5")["attempts"] == 1);
    CHECK(dead.calls.writes == 1);
}

TEST_CASE("whatever a sink says is one short line without control characters") {
    const CapturedLog log;
    const std::string said =
        "\x1B[31ma" + std::string(1, '\0') + "\nb" + std::string(3'000'000, 'x');
    const auto is_good = [](const std::string& text) {
        return text.starts_with("?[31ma? bx") && text.ends_with("x…") && text.size() < 1010;
    };
    WithDeadLetter dead;
    FakeSink sink([&](const Batch& part) -> BatchResult {
        const auto value = part.messages.front().value;
        if (value == "1") {
            return std::vector<Verdict>{{Kind::kRejected, said},
                                        {Kind::kFailed, said},
                                        {Kind::kStored, '"' + std::string(5000, 'x') + '"'}};
        }
        if (value == "4") {
            throw std::runtime_error("\x1B[31ma\x01\nb" + std::string(5000, 'x'));
        }
        return fail(value == "2" ? SinkFailure::Kind::kPermanent : SinkFailure::Kind::kTransient,
                    said);
    });
    Settler settler(sink, kOnce, &dead.file);
    const auto verdicts = settler.settle(batch_of({"1", "2", "3"}), kNoPause);
    CHECK(is_good(verdicts[0].detail));
    CHECK(is_good(verdicts[1].detail));
    CHECK(verdicts[2].detail.size() == 5002);  // an answer is no reason
    CHECK(is_good(letters_in(dead.path).at("id-1")["error"]));
    for (const std::string value : {"2", "3", "4"}) {
        CHECK(is_good(settler.settle(batch_of({value}), kNoPause).front().detail));
    }
    for (const auto& line : log.lines()) {
        CHECK(line.find('\x1B') == std::string::npos);
    }
}

TEST_CASE("what is given up is no dead letter") {
    WithDeadLetter dead;
    FakeSink sink([](const Batch& /*batch*/) { return fail_transiently(); });
    Settler settler(sink, kOnce, &dead.file);
    settler.settle(batch_of({"1"}), kNoPause);
    CHECK(text_of(dead.path).empty());
    CHECK(dead.calls.syncs == 0);
}

TEST_CASE("a dead-letter file that cannot be written is tried again, and the sink is not") {
    CapturedLog log;
    WithDeadLetter dead;
    dead.calls.room = 10;
    FakeSink sink([](const Batch& part) { return refuse(part, "2"); });
    Settler settler(sink, kForever, &dead.file);
    int pauses = 0;
    const auto verdicts = settler.settle(batch_of({"1", "2"}), [&](Duration delay) {
        CHECK(delay <= 5s);
        if (++pauses == 20) {
            dead.calls.room.reset();
        }
        return true;
    });
    CHECK(pauses == 20);
    CHECK(sink.calls.count() == 3);
    CHECK(kinds_of(verdicts) == std::vector{Kind::kStored, Kind::kRejected});
    CHECK(letters_in(dead.path).size() == 1);
    REQUIRE(log.lines().size() == 2);
    CHECK(contains(log.lines()[0], "the dead-letter file fails: cannot write"));
    CHECK(contains(log.lines()[1], "the dead-letter file works again"));
}

TEST_CASE("a refusal that cannot be kept in time is answered as a failure, what is stored is not") {
    CapturedLog log;
    WithDeadLetter dead;
    dead.calls.room = 0;
    FakeSink sink([](const Batch& part) { return refuse(part, "2"); });
    Settler settler(sink, kOnce, &dead.file);
    const auto verdicts = settler.settle(batch_of({"1", "2"}), kNoPause);
    CHECK(kinds_of(verdicts) == std::vector{Kind::kStored, Kind::kFailed});
    CHECK(contains(verdicts[1].detail, "it takes no 2"));
    CHECK(contains(verdicts[1].detail, "No space left"));
    REQUIRE(log.lines().size() == 2);
    CHECK(contains(log.lines()[1], "--retry-for"));
    CHECK(contains(log.lines()[1], "1 messages"));
    dead.calls.room.reset();
    settler.settle(batch_of({"2"}), kNoPause);
    CHECK(letters_in(dead.path).size() == 1);
}

TEST_CASE(
    "whoever looks on sees that the sink fails, since when and why, and that it works again") {
    SinkActivity activity;
    int calls = 0;
    SinkStatus during;
    FakeSink sink([&](const Batch& part) -> BatchResult {
        if (++calls <= 2) {
            return tl::make_unexpected(SinkFailure{SinkFailure::Kind::kTransient, "away"});
        }
        during = activity.status();
        return std::vector<Verdict>(part.messages.size());
    });
    Settler settler(sink, kForever, nullptr, &activity);
    settler.settle(batch_of({"1", "2"}), kNoPause);
    CHECK(during.busy_since);
    CHECK(during.failing_since);
    CHECK(during.reason == "away");
    CHECK(during.failed_calls == 2);
    CHECK(during.retries == 2);
    const auto after = activity.status();
    CHECK_FALSE(after.busy_since);
    CHECK_FALSE(after.failing_since);
    CHECK(after.retries == 2);
    CHECK(after.dead_letters == 0);
}

TEST_CASE("what went to the dead-letter file is counted") {
    WithDeadLetter dead;
    SinkActivity activity;
    FakeSink sink([](const Batch& part) { return refuse(part, "2"); });
    Settler settler(sink, kForever, &dead.file, &activity);
    settler.settle(batch_of({"1", "2", "3"}), kNoPause);
    CHECK(activity.status().dead_letters == 1);
    CHECK(activity.status().failed_calls == 0);
}

}  // namespace
}  // namespace blocky::test
