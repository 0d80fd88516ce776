// The documents of /status and /events, member by member.
#include <chrono>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "consumer/http/status_json.hpp"
#include "tests/support/made_up_snapshot.hpp"

namespace blocky::test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kNow = TimePoint(seconds(1'000));

json status(const Snapshot& snapshot, const SinkStatus& sink = {}) {
    return json::parse(status_json(snapshot, sink, kNow));
}

}  // namespace

TEST_CASE("the status says which run this is and how it was set up") {
    auto snapshot = made_up_snapshot();
    auto info = made_up_run();
    info.barrier = 10;
    info.answers_on_receipt = true;
    snapshot.info = std::make_shared<const RunInfo>(info);
    snapshot.state = Snapshot::State::kDraining;
    const auto found = status(snapshot);
    CHECK(found["run"] == "0123456789abcdef");
    CHECK(found["state"] == "draining");
    CHECK(found["started"] == "2001-09-09T01:46:40.000Z");
    CHECK(found["endpoints"] == json{"tcp://127.0.0.1:5555"});
    CHECK(found["timer"] == json{{"kind", "interval"}, {"ms", 1000}});
    CHECK(found["barrier"] == 10);
    CHECK(found["reply"] == "immediate");
    CHECK(found["max_items"] == 10'000);
    CHECK(found["max_held"] == 100'000);
    CHECK(status(made_up_snapshot())["barrier"].is_null());
    CHECK(status(made_up_snapshot())["reply"] == "held");
}

TEST_CASE("the lines of the batch log stand in the status as they are, to the last digit") {
    const auto text = status_json(made_up_snapshot(2), {}, kNow);
    CHECK(text.find(R"("batches":[{"batch":1,"summary":{"sum":123456789012345678901}},)"
                    R"({"batch":2,"summary":{"sum":123456789012345678901}}]})") != text.npos);
    CHECK(json::parse(status_json(made_up_snapshot(0), {}, kNow))["batches"] == json::array());
}

TEST_CASE("what the sink is at is told as of now") {
    SinkStatus sink;
    CHECK(status(made_up_snapshot(), sink)["sink"] == json{{"kind", "sum"},
                                                           {"state", "idle"},
                                                           {"batch", nullptr},
                                                           {"busy_ms", nullptr},
                                                           {"failing_ms", nullptr},
                                                           {"reason", nullptr},
                                                           {"retries", 0},
                                                           {"failed_calls", 0},
                                                           {"dead_letters", 0}});
    sink.busy_since = kNow - milliseconds(12);
    sink.batch = 7;
    CHECK(status(made_up_snapshot(), sink)["sink"]["state"] == "busy");
    CHECK(status(made_up_snapshot(), sink)["sink"]["busy_ms"] == 12);
    sink.failing_since = kNow - milliseconds(8);
    sink.reason = "no \"disk\" \xff";
    sink.retries = 3;
    const auto failing = status(made_up_snapshot(), sink)["sink"];
    CHECK(failing["state"] == "failing");
    CHECK(failing["batch"] == 7);
    CHECK(failing["failing_ms"] == 8);
    CHECK(failing["reason"] == "no \"disk\" \xef\xbf\xbd");
    CHECK(failing["retries"] == 3);
}

TEST_CASE("what is held, open and in flight is told") {
    auto snapshot = made_up_snapshot(2, 3);
    snapshot.held_messages = 5;
    snapshot.held_bytes = 500;
    snapshot.producers.held = 2;
    snapshot.producers.in_open = 1;
    snapshot.open = {3, 300, kNow + milliseconds(250)};
    snapshot.in_flight = InFlightStatus{9, 2, kNow - milliseconds(40)};
    snapshot.in_line = 1;
    const auto found = status(snapshot);
    CHECK(found["held"] == json{{"messages", 5}, {"bytes", 500}, {"producers", 2}});
    CHECK(found["open"] ==
          json{{"messages", 3}, {"bytes", 300}, {"producers", 1}, {"due_in_ms", 250}});
    CHECK(found["in_flight"] == json{{"batch", 9}, {"messages", 2}, {"ms", 40}});
    CHECK(found["in_line"] == 1);
}

TEST_CASE("what is not there is null, and what is overdue is due now") {
    auto snapshot = made_up_snapshot();
    CHECK(status(snapshot)["open"]["due_in_ms"].is_null());
    CHECK(status(snapshot)["in_flight"].is_null());
    snapshot.open.due_at = kNow - seconds(1);
    CHECK(status(snapshot)["open"]["due_in_ms"] == 0);
}

TEST_CASE("who is in the open batch and who is missing is told by name, in order") {
    auto snapshot = made_up_snapshot(0, 12);
    snapshot.producers.marks = "op----------";
    snapshot.producers.in_open = 1;
    snapshot.producers.missing = 11;
    const auto found = status(snapshot)["producers"];
    CHECK(found["in"] == json{"p0"});
    CHECK(found["missing"] ==
          json{"p1", "p10", "p11", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"});
    CHECK(found["live"] == 12);
    CHECK(found["in_count"] == 1);
    CHECK(found["missing_count"] == 11);
    CHECK(found["shown"] == 12);
}

TEST_CASE("of very many producers a thousand are named, and all are counted") {
    auto snapshot = made_up_snapshot(0, kProducersShown);
    snapshot.producers.missing = 5'000;
    const auto found = status(snapshot)["producers"];
    CHECK(found["missing"].size() == kNamesListed);
    CHECK(found["missing_count"] == 5'000);
    CHECK(found["in"] == json::array());
}

TEST_CASE("the totals are those of the metrics") {
    auto snapshot = made_up_snapshot();
    auto& metrics = snapshot.metrics;
    metrics.batches = 61;
    metrics.batches_by_trigger = {1, 2, 3, 4, 5};
    metrics.messages = 20;
    metrics.messages_by_verdict = {11, 4, 3, 2};
    metrics.replies_ok = 10;
    metrics.errors.at(static_cast<std::size_t>(ErrorCode::kBusy)) = 6;
    metrics.count_hold(milliseconds(998));
    snapshot.log_lines_dropped = 8;
    const auto found = status(snapshot)["totals"];
    CHECK(found["batches"] == 61);
    CHECK(found["batches_by_trigger"] ==
          json{{"timer", 1}, {"items", 2}, {"bytes", 3}, {"barrier", 4}, {"drain", 5}});
    CHECK(found["stored"] == 11);
    CHECK(found["duplicates"] == 4);
    CHECK(found["rejected"] == 3);
    CHECK(found["failed"] == 2);
    CHECK(found["replies"]["ok"] == 10);
    CHECK(found["replies"]["busy"] == 6);
    CHECK(found["replies"].size() == 2 + kErrorCodes);
    CHECK(found["log_lines_dropped"] == 8);
    CHECK(found["hold_ms"]["max"] == 998);
}

TEST_CASE("the state has marks where the status has names, and no batches") {
    auto snapshot = made_up_snapshot(2, 3);
    snapshot.producers.marks = "-op";
    snapshot.producers.version = 4;
    const auto found = json::parse(state_json(snapshot, {}, kNow));
    auto expected = status(snapshot);
    expected.erase("batches");
    expected["producers"] = {{"live", 3},  {"held", 0},    {"in_count", 0}, {"missing_count", 0},
                             {"shown", 3}, {"version", 4}, {"marks", "-op"}};
    CHECK(found == expected);
    CHECK(json::parse(roster_json(snapshot.producers)) ==
          json{{"version", 4}, {"names", {"p0", "p1", "p2"}}});
}

}  // namespace blocky::test
