// The consumer's closing words.
#include "consumer/metrics.hpp"

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

void count_error(Metrics& metrics, ErrorCode code) {
    Reply reply;
    reply.ok = false;
    reply.code = code;
    metrics.count(reply);
}

TEST_CASE("a run without messages has a short summary") {
    CHECK(closing_summary({}, 0) == "0 batches, 0 messages");
}

TEST_CASE("a run without trouble says how long messages were held, and no more") {
    Metrics metrics;
    metrics.batches = 61;
    metrics.messages = 600;
    metrics.held.record(998ms);
    CHECK(closing_summary(metrics, 0) ==
          "61 batches, 600 messages, held 998 ms in the median and 998 ms at worst");
}

TEST_CASE("whatever went other than well is in the summary") {
    Metrics metrics;
    metrics.duplicates = 1;
    count_error(metrics, ErrorCode::kBadRequest);
    count_error(metrics, ErrorCode::kShuttingDown);
    count_error(metrics, ErrorCode::kShuttingDown);
    metrics.unanswerable = 3;
    metrics.undeliverable = 4;
    CHECK(closing_summary(metrics, 5) ==
          "0 batches, 0 messages; 1 duplicates; 1 bad_request; 2 shutting_down; "
          "3 requests without a delimiter dropped; "
          "4 replies not delivered, their producers had gone or did not read; "
          "5 lines of the batch log dropped");
}

TEST_CASE("a batch counts its messages, and those that were not stored") {
    Metrics metrics;
    metrics.count(batch_of({"1", "2", "3", "4"}),
                  {{},
                   {Verdict::Kind::kDuplicate, ""},
                   {Verdict::Kind::kRejected, "no"},
                   {Verdict::Kind::kFailed, "no"}},
                  1ms);
    CHECK(closing_summary(metrics, 0) ==
          "1 batches, 4 messages; 1 duplicates; 1 rejected; 1 sink_failed");
}

TEST_CASE("messages are counted by verdict, batches by trigger, and both in buckets") {
    Metrics metrics;
    auto batch = batch_of({"1", "2", "3", "4"});
    batch.trigger = Trigger::kBarrier;
    metrics.count(batch,
                  {{}, {}, {Verdict::Kind::kDuplicate, ""}, {Verdict::Kind::kRejected, "no"}}, 3ms);
    Batch empty;
    empty.lateness = 70us;
    metrics.count(empty, {}, 0ms);
    CHECK(metrics.messages_by_verdict == std::array<std::uint64_t, 4>{2, 1, 1, 0});
    CHECK(metrics.batches_by_trigger == std::array<std::uint64_t, 5>{1, 0, 0, 1, 0});
    CHECK(metrics.batches_failed == 0);
    CHECK(metrics.replies_ok == 2);
    CHECK(metrics.batch_size.counts().at(0) == 1);  // 0
    CHECK(metrics.batch_size.counts().at(3) == 1);  // up to 5
    CHECK(metrics.batch_size.sum() == 4);
    CHECK(metrics.processing.counts().at(5) == 1);  // up to 5 ms; the empty one was not processed
    CHECK(metrics.processing.sum() == 3'000'000);
    CHECK(metrics.timer_lateness.counts().at(3) == 1);
}

TEST_CASE("what was answered on receipt is not answered again, but counted and summed up") {
    Metrics metrics;
    Reply ok;
    metrics.count(ok);
    metrics.count(batch_of({"1", "2"}),
                  {{Verdict::Kind::kFailed, "no"}, {Verdict::Kind::kRejected, "no"}}, 1ms,
                  Replied::kNo);
    CHECK(metrics.replies_ok == 1);
    CHECK(metrics.batches_failed == 1);
    CHECK(metrics.errors == std::array<std::uint64_t, kErrorCodes>{});
    CHECK(closing_summary(metrics, 0) == "1 batches, 2 messages; 1 rejected; 1 sink_failed");
}

TEST_CASE("a hold is in the bucket that its duration is at most the bound of") {
    Metrics metrics;
    metrics.count_hold(-1ms);
    metrics.count_hold(100us);
    metrics.count_hold(100us + 1ns);
    metrics.count_hold(61s);
    CHECK(metrics.hold.counts().front() == 2);
    CHECK(metrics.hold.counts().at(1) == 1);
    CHECK(metrics.hold.counts().back() == 1);
    CHECK(metrics.held.count() == 4);
}

}  // namespace
}  // namespace blocky::test
