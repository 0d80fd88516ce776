// The lines of the batch log, to the letter.
#include "consumer/batch_log.hpp"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/json_text.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

const WallTime kClosedAt = std::chrono::system_clock::from_time_t(1795433401) + 5ms;

Processed processed(std::vector<Verdict> verdicts) {
    return {std::move(verdicts), {"10", "Adding 2 numbers ✅ Total is 10 🧮"}, 120us};
}

TEST_CASE("a text line has the words of the original") {
    const auto batch = batch_of({"4", "6"}, 12);
    const auto both = processed(std::vector<Verdict>(2));
    CHECK(text_line({batch, both, kClosedAt, 998ms}) ==
          "2026-11-23T11:30:01.005Z batch=12 Adding 2 numbers ✅ Total is 10 🧮 "
          "(held 998 ms, processed 0.1 ms)");
}

TEST_CASE("a text line tells of rejected messages and duplicates") {
    const auto batch = batch_of({"4", "6", "7"}, 12);
    const auto mixed = processed({{Verdict::Kind::kRejected, "no"},
                                  {Verdict::Kind::kDuplicate, ""},
                                  {Verdict::Kind::kDuplicate, ""}});
    CHECK(text_line({batch, mixed, kClosedAt, 1ms}) ==
          "2026-11-23T11:30:01.005Z batch=12 Adding 2 numbers ✅ Total is 10 🧮 "
          "(held 1 ms, processed 0.1 ms, 1 rejected, 2 duplicates)");
}

TEST_CASE("a text line of a batch whose sink failed says so and why") {
    const auto batch = batch_of({"4", "6"}, 12);
    const auto failed = processed({{}, {Verdict::Kind::kFailed, "the disk is full"}});
    CHECK(text_line({batch, failed, kClosedAt, 1ms}) ==
          "2026-11-23T11:30:01.005Z batch=12 Failed on 1 of 2 messages ❌ the disk is full "
          "(held 1 ms, processed 0.1 ms)");
}

TEST_CASE("a json line has every member") {
    Batch batch = batch_of({"4", "6"}, 12);
    batch.trigger = Trigger::kItems;
    batch.bytes = 42;
    batch.producers = 2;
    const auto both = processed(std::vector<Verdict>(2));
    CHECK(json_line({batch, both, kClosedAt, 998'123us}, "cafe") ==
          R"({"ts":"2026-11-23T11:30:01.005Z","run":"cafe","batch":12,"size":2,"bytes":42,)"
          R"("producers":2,"trigger":"items","hold_ms_max":998.123,"process_ms":0.120,)"
          R"("status":"ok","rejected":0,"duplicates":0,"summary":10})");
}

TEST_CASE("a json line is JSON, with a summary beyond any document's integers as it is") {
    const auto batch = batch_of({"1", "2", "3"});
    auto result = processed({{Verdict::Kind::kFailed, "a \"reason\"\n"},
                             {Verdict::Kind::kRejected, ""},
                             {Verdict::Kind::kDuplicate, ""}});
    result.summary.json = "170141183460469231731687303715884105727";
    const auto line = json_line({batch, result, kClosedAt, 0ms}, "run");
    CHECK(line.ends_with(R"("summary":170141183460469231731687303715884105727})"));
    const auto json = nlohmann::json::parse(line);
    CHECK(json["status"] == "failed");
    CHECK(json["rejected"] == 1);
    CHECK(json["duplicates"] == 1);
    CHECK(json["size"] == 3);
    CHECK(json["trigger"] == "timer");
}

// The end of a batch's line in both forms, from what both have of a batch without attendance on.
struct Ends {
    std::string text;
    std::string json;
};
Ends ends_with(const Attendance& attendance) {
    auto batch = batch_of({"4", "6"}, 12);
    const auto both = processed(std::vector<Verdict>(2));
    auto plain_text = text_line({batch, both, kClosedAt, 998ms});
    auto plain_json = json_line({batch, both, kClosedAt, 998ms}, "cafe");
    batch.attendance = attendance;
    const auto text = text_line({batch, both, kClosedAt, 998ms});
    const auto json = json_line({batch, both, kClosedAt, 998ms}, "cafe");
    plain_text.pop_back();  // ")"
    plain_json.pop_back();  // "}"
    REQUIRE(text.starts_with(plain_text));
    REQUIRE(json.starts_with(plain_json));
    REQUIRE(nlohmann::json::accept(json));
    return {text.substr(plain_text.size()), json.substr(plain_json.size())};
}

TEST_CASE("a line says who was missing") {
    const auto ends = ends_with({5, 2, {"p-3", "p-7"}});
    CHECK(ends.text == ", 2 missing: p-3, p-7)");
    CHECK(ends.json == R"(,"live":5,"missing":2,"waiting_for":["p-3","p-7"]})");
}

TEST_CASE("a line tells that there are more than it names") {
    const auto ends = ends_with({5, 3, {"p-3", "p-7"}});
    CHECK(ends.text == ", 3 missing: p-3, p-7 …)");
    CHECK(ends.json == R"(,"live":5,"missing":3,"waiting_for":["p-3","p-7"]})");
}

TEST_CASE("those that have never been there have no names") {
    const auto ends = ends_with({1, 4, {}});
    CHECK(ends.text == ", 4 missing)");
    CHECK(ends.json == R"(,"live":1,"missing":4,"waiting_for":[]})");
}

TEST_CASE("when nobody was missing only the json line says so") {
    const auto ends = ends_with({3, 0, {}});
    CHECK(ends.text == ")");
    CHECK(ends.json == R"(,"live":3,"missing":0,"waiting_for":[]})");
}

TEST_CASE("a name is written as JSON, whatever is in it") {
    const auto ends = ends_with({1, 1, {R"(the "first" \ 🧮)"}});
    CHECK(ends.json == R"(,"live":1,"missing":1,"waiting_for":["the \"first\" \\ 🧮"]})");
}

TEST_CASE("a batch is one line, whatever the sink says about it") {
    const auto batch = batch_of({"4"}, 12);
    const auto failed = processed({{Verdict::Kind::kFailed, "first line\nsecond line\r\n"}});
    CHECK_FALSE(has_control_character(text_line({batch, failed, kClosedAt, 1ms})));
    CHECK_FALSE(has_control_character(json_line({batch, failed, kClosedAt, 1ms}, "run")));
}

TEST_CASE("the log writes lines of the format it was made with") {
    Pipe pipe;
    const auto batch = batch_of({"4"}, 1);
    const auto one = processed({Verdict{}});
    BatchLog text(pipe.writer.get(), LogFormat::kText, "run");
    text.write({batch, one, kClosedAt, 1ms});
    CHECK(pipe.read_all() == text_line({batch, one, kClosedAt, 1ms}) + "\n");
    BatchLog json(pipe.writer.get(), LogFormat::kJson, "run");
    json.write({batch, one, kClosedAt, 1ms});
    CHECK(pipe.read_all() == json_line({batch, one, kClosedAt, 1ms}, "run") + "\n");
    CHECK(json.lines_dropped() == 0);
}

}  // namespace
}  // namespace blocky::test
