// The numbers of /metrics: that each stands where it belongs. Whether Prometheus can read the text
// is asked of promtool, in tests/process/test_observability_files.py.
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "consumer/http/metrics_text.hpp"
#include "tests/support/made_up_snapshot.hpp"

namespace blocky::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kNow = TimePoint(seconds(1'000));

std::string text_of(Snapshot snapshot, const SinkStatus& sink = {}) {
    return metrics_text({shared(std::move(snapshot)), sink, kNow - milliseconds(1500), 3, kNow});
}

// Whether that line is in the text.
bool has(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("counts stand under their names and labels") {
    auto snapshot = made_up_snapshot();
    auto& metrics = snapshot.metrics;
    metrics.messages_by_verdict = {11, 4, 3, 2};
    metrics.batches_by_trigger = {1, 2, 3, 4, 5};
    metrics.errors.at(static_cast<std::size_t>(ErrorCode::kBusy)) = 6;
    metrics.handshakes_failed = 7;
    const auto text = text_of(snapshot);
    CHECK(has(text, R"(blocky_messages_total{outcome="stored"} 11)"));
    CHECK(has(text, R"(blocky_messages_total{outcome="failed"} 2)"));
    CHECK(has(text, R"(blocky_batches_total{trigger="drain"} 5)"));
    CHECK(has(text, R"(blocky_replies_total{outcome="busy"} 6)"));
    CHECK(has(text, R"(blocky_connections_refused_total{reason="handshake"} 7)"));
    CHECK(has(text, "blocky_http_connections_refused_total 3"));
    CHECK(has(text, R"(blocky_run_info{run="0123456789abcdef",sink="sum"} 1)"));
}

TEST_CASE("buckets add up, in seconds or messages") {
    auto snapshot = made_up_snapshot();
    snapshot.metrics.count_hold(milliseconds(1));
    snapshot.metrics.count_hold(milliseconds(2));
    snapshot.metrics.count_hold(seconds(100));
    snapshot.metrics.batch_size.observe(0);
    const auto text = text_of(snapshot);
    CHECK(has(text, R"(blocky_hold_seconds_bucket{le="0.0005"} 0)"));
    CHECK(has(text, R"(blocky_hold_seconds_bucket{le="0.001"} 1)"));
    CHECK(has(text, R"(blocky_hold_seconds_bucket{le="0.0025"} 2)"));
    CHECK(has(text, R"(blocky_hold_seconds_bucket{le="60"} 2)"));
    CHECK(has(text, R"(blocky_hold_seconds_bucket{le="+Inf"} 3)"));
    CHECK(has(text, "blocky_hold_seconds_count 3"));
    CHECK(has(text, "blocky_hold_seconds_sum 100.003"));
    CHECK(has(text, R"(blocky_batch_size_messages_bucket{le="0"} 1)"));
}

TEST_CASE("ages are as of now") {
    SinkStatus sink;
    CHECK(has(text_of(made_up_snapshot(), sink), "blocky_sink_up 1"));
    CHECK(has(text_of(made_up_snapshot(), sink), "blocky_sink_failing_seconds 0"));
    sink.busy_since = kNow - milliseconds(250);
    sink.failing_since = kNow - seconds(2);
    const auto text = text_of(made_up_snapshot(), sink);
    CHECK(has(text, "blocky_sink_up 0"));
    CHECK(has(text, "blocky_sink_busy_seconds 0.25"));
    CHECK(has(text, "blocky_sink_failing_seconds 2"));
    CHECK(has(text, "blocky_loop_age_seconds 1.5"));
}

TEST_CASE("one state is 1, and the others 0") {
    auto snapshot = made_up_snapshot();
    snapshot.state = Snapshot::State::kDraining;
    const auto text = text_of(snapshot);
    CHECK(has(text, R"(blocky_state{state="serving"} 0)"));
    CHECK(has(text, R"(blocky_state{state="draining"} 1)"));
    CHECK(has(text, R"(blocky_state{state="stopped"} 0)"));
}

TEST_CASE("while it starts there are only the numbers that are known") {
    const auto text = metrics_text({nullptr, {}, std::nullopt, 0, kNow});
    CHECK(text.find("blocky_build_info") != std::string::npos);
    CHECK(text.find("process_open_fds") != std::string::npos);
    CHECK(text.find("blocky_held_messages") == std::string::npos);
    CHECK(text.find("blocky_loop_age_seconds") == std::string::npos);
}

}  // namespace blocky::test
