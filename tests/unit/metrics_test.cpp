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

}  // namespace
}  // namespace blocky::test
