// From a dead-letter file back to messages, and what becomes of lines that are none.
#include "producer/replay_source.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <fstream>
#include <string>
#include <variant>

#include <doctest/doctest.h>

#include "consumer/dead_letter.hpp"
#include "tests/support/captured_log.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

struct Replay {
    explicit Replay(const std::string& text, std::size_t max_line_bytes = 1'000'000)
        : path(directory.file_with("dead", text)),
          file(open(path.c_str(), O_RDONLY | O_CLOEXEC)),
          source({file.get(), "p:s:", max_line_bytes, -1}) {}

    // Valid until the next line is read.
    Item item() {
        auto next = source.next();
        REQUIRE(std::holds_alternative<Item>(next));
        return std::get<Item>(next);
    }
    Skipped skipped() {
        auto next = source.next();
        REQUIRE(std::holds_alternative<Skipped>(next));
        return std::get<Skipped>(next);
    }
    bool ended() { return std::holds_alternative<EndOfInput>(source.next()); }

    TemporaryDirectory directory;
    std::string path;
    Descriptor file;
    ReplaySource source;
};

std::string line_with(const std::string& payload) {
    return R"({"ts":"2026-11-23T11:30:01.005Z","error":"no","payload":)" + payload + "}\n";
}

TEST_CASE("what a consumer has written comes back as it was") {
    Batch batch;
    batch.add(1, "p\"ü", "i\\1", R"({"value": 1.50, "payload": [1]})");
    batch.add(2, "", "", "123456789012345678901234567890");
    std::string text;
    for (const auto& message : batch.messages) {
        text += dead_letter_line({&message, "it says \"payload\":{}", 7, 1}, "run", {});
    }
    Replay replay(text);
    auto item = replay.item();
    CHECK(item.value == batch.messages[0].value);
    CHECK(item.id == "i\\1");
    CHECK(item.producer == "p\"ü");
    CHECK(replay.source.name(item.number) == "line 1");
    item = replay.item();
    CHECK(item.value == batch.messages[1].value);
    CHECK(item.id == "run:2");
    CHECK(item.producer.empty());
    CHECK(replay.ended());
    CHECK(replay.source.share_done() == 1.0);
}

TEST_CASE("a payload without an id gets one from the number of its line") {
    Replay replay("\n" + line_with(R"({"value":1})"));
    CHECK(replay.item().id == "p:s:2");
}

TEST_CASE("a line that is no dead letter is skipped, and why is said") {
    Replay replay("1\n[{\"payload\":{\"value\":1}}]\nplain\n{}\n" + line_with("1") +
                  line_with(R"({"id":"a"})") + line_with(R"({"value":1,"id":5})") +
                  line_with(R"({"value":1,"producer":null})") +
                  line_with(R"({"messages":[{"value":1}]})") +
                  line_with(R"({"value":1},"payload":{"value":2})") + "\xFF\n" +
                  line_with(R"({"value":9})") + R"({"ts":"2026","payload":{"value":)");
    for (const int line : {1, 2}) {
        const auto skipped = replay.skipped();
        CHECK(skipped.name == "line " + std::to_string(line));
        CHECK(contains(skipped.reason, "no member \"payload\""));
    }
    CHECK(contains(replay.skipped().reason, "not JSON"));
    CHECK(contains(replay.skipped().reason, "no member \"payload\""));
    CHECK(contains(replay.skipped().reason, "not a JSON object"));
    CHECK(contains(replay.skipped().reason, "\"value\" is missing"));
    CHECK(contains(replay.skipped().reason, "\"id\" is not a string"));
    CHECK(contains(replay.skipped().reason, "\"producer\" is not a string"));
    CHECK(contains(replay.skipped().reason, "several"));
    CHECK(contains(replay.skipped().reason, "twice"));
    CHECK(contains(replay.skipped().reason, "not JSON"));
    CHECK(replay.item().value == "9");
    CHECK(contains(replay.skipped().reason, "cut"));
    CHECK(replay.ended());
}

TEST_CASE("a line over the limit is skipped") {
    Replay replay(
        line_with(R"({"value":")" + std::string(200, 'x') + "\"}") + line_with(R"({"value":2})"),
        150);
    CHECK(contains(replay.skipped().reason, "too_large"));
    CHECK(replay.item().value == "2");
}

TEST_CASE("what is appended to the file meanwhile is not read") {
    Replay replay(line_with(R"({"value":1})"));
    std::ofstream(replay.path, std::ios::app) << line_with(R"({"value":2})");
    CHECK(replay.item().value == "1");
    CHECK(replay.ended());
    CHECK(replay.ended());
}

TEST_CASE("a pipe is read to its end, and a stop ends the wait for it") {
    Pipe pipe;
    ReplaySource source({pipe.reader.get(), "p:", 1000, -1});
    CHECK_FALSE(source.share_done());
    CHECK_FALSE(source.ready());
    pipe.write(line_with(R"({"value":1})"));
    CHECK(source.ready());
    CHECK(std::get<Item>(source.next()).value == "1");
    pipe.writer.close();
    CHECK(std::holds_alternative<EndOfInput>(source.next()));
    Pipe silent;
    const Descriptor stop(eventfd(1, EFD_CLOEXEC));
    CHECK(std::holds_alternative<StopRequested>(
        ReplaySource({silent.reader.get(), "p:", 1000, stop.get()}).next()));
}

}  // namespace
}  // namespace blocky::test
