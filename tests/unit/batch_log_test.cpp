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
