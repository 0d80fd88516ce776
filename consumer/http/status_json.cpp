// One function per member of the document. The batches' lines are put in as they are: they may hold
// integers that no document in memory can.
#include "consumer/http/status_json.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "consumer/http/words.hpp"

namespace blocky {
namespace {

using Json = nlohmann::ordered_json;

// Milliseconds to a thousandth, as in the batch log.
double milliseconds(Duration duration) {
    return std::round(to_milliseconds(duration) * 1000) / 1000;
}

Json since(const std::optional<TimePoint>& begin, TimePoint now) {
    return begin ? Json(milliseconds(std::max(now - *begin, Duration::zero()))) : Json();
}

template <typename Value>
Json or_null(const std::optional<Value>& value) {
    return value ? Json(*value) : Json();
}

std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add_run(Json& json, const Snapshot& snapshot) {
    const auto& info = *snapshot.info;
    json["run"] = info.run;
    json["version"] = kVersion;
    json["state"] = to_string(snapshot.state);
    json["ts"] = utc_timestamp(wall_time(snapshot.taken_at));
    json["started"] = utc_timestamp(info.started_at);
    json["endpoints"] = info.endpoints;
    json["timer"] = {{"kind", info.timer}, {"ms", milliseconds(info.timer_period)}};
    json["barrier"] = or_null(info.barrier);
    json["reply"] = info.answers_on_receipt ? "immediate" : "held";
    json["max_items"] = info.max_items;
    json["max_held"] = info.max_held;
}

Json sink_json(const RunInfo& info, const SinkStatus& sink, TimePoint now) {
    return {{"kind", info.sink},
            {"state", state_word(sink)},
            {"batch", sink.busy_since ? Json(sink.batch) : Json()},
            {"busy_ms", since(sink.busy_since, now)},
            {"failing_ms", since(sink.failing_since, now)},
            {"reason", sink.failing_since ? Json(sink.reason) : Json()},
            {"retries", sink.retries},
            {"failed_calls", sink.failed_calls},
            {"dead_letters", sink.dead_letters}};
}

void add_messages(Json& json, const Snapshot& snapshot, TimePoint now) {
    const auto& open = snapshot.open;
    json["held"] = {{"messages", snapshot.held_messages},
                    {"bytes", snapshot.held_bytes},
                    {"producers", snapshot.producers.held}};
    json["open"] = {{"messages", open.messages},
                    {"bytes", open.bytes},
                    {"producers", snapshot.producers.in_open},
                    {"due_in_ms", open.due_at ? since(now, std::max(*open.due_at, now)) : Json()}};
    json["in_flight"] = nullptr;
    if (const auto& batch = snapshot.in_flight) {
        json["in_flight"] = {{"batch", batch->number},
                             {"messages", batch->messages},
                             {"ms", since(batch->since, now)}};
    }
    json["in_line"] = snapshot.in_line;
}

Json counts_json(const ProducersStatus& producers) {
    return {{"live", producers.live},
            {"held", producers.held},
            {"in_count", producers.in_open},
            {"missing_count", producers.missing},
            {"shown", producers.names->size()}};
}

// The names whose mark says whether they are in the open batch, or that they are not.
Json names_json(const ProducersStatus& producers, bool in_open) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < producers.names->size() && i < producers.marks.size(); ++i) {
        if ((producers.marks[i] == 'o') == in_open) {
            names.emplace_back((*producers.names)[i]);
        }
    }
    std::ranges::sort(names);
    names.resize(std::min(names.size(), kNamesListed));
    return names;
}

Json producers_json(const ProducersStatus& producers) {
    auto json = counts_json(producers);
    json["in"] = names_json(producers, true);
    json["missing"] = names_json(producers, false);
    return json;
}

Json marks_json(const ProducersStatus& producers) {
    auto json = counts_json(producers);
    json["version"] = producers.version;
    json["marks"] = producers.marks;
    return json;
}

Json replies_json(const Metrics& metrics) {
    Json json{{"ok", metrics.replies_ok}, {"duplicate", metrics.duplicates}};
    for (std::size_t code = 0; code < kErrorCodes; ++code) {
        json[std::string(to_string(static_cast<ErrorCode>(code)))] = metrics.errors.at(code);
    }
    return json;
}

Json triggers_json(const Metrics& metrics) {
    Json json;
    for (std::size_t trigger = 0; trigger < kTriggers; ++trigger) {
        json[std::string(to_string(static_cast<Trigger>(trigger)))] =
            metrics.batches_by_trigger.at(trigger);
    }
    return json;
}

Json totals_json(const Snapshot& snapshot) {
    const auto& metrics = snapshot.metrics;
    const auto verdicts = [&metrics](Verdict::Kind kind) {
        return metrics.messages_by_verdict.at(static_cast<std::size_t>(kind));
    };
    return {{"batches", metrics.batches},
            {"batches_failed", metrics.batches_failed},
            {"batches_by_trigger", triggers_json(metrics)},
            {"messages", metrics.messages},
            {"stored", verdicts(Verdict::Kind::kStored)},
            {"duplicates", verdicts(Verdict::Kind::kDuplicate)},
            {"rejected", verdicts(Verdict::Kind::kRejected)},
            {"failed", verdicts(Verdict::Kind::kFailed)},
            {"replies", replies_json(metrics)},
            {"unanswerable", metrics.unanswerable},
            {"undeliverable", metrics.undeliverable},
            {"handshakes_failed", metrics.handshakes_failed},
            {"accepts_failed", metrics.accepts_failed},
            {"log_lines_dropped", snapshot.log_lines_dropped},
            {"hold_ms",
             {{"p50", milliseconds(metrics.held.quantile(0.5))},
              {"p99", milliseconds(metrics.held.quantile(0.99))},
              {"max", milliseconds(metrics.held.longest())}}}};
}

Json document(const Snapshot& snapshot, const SinkStatus& sink, TimePoint now, Json producers) {
    Json json;
    add_run(json, snapshot);
    json["sink"] = sink_json(*snapshot.info, sink, now);
    add_messages(json, snapshot, now);
    json["producers"] = std::move(producers);
    json["totals"] = totals_json(snapshot);
    return json;
}

}  // namespace

std::string status_json(const Snapshot& snapshot, const SinkStatus& sink, TimePoint now) {
    auto text = text_of(document(snapshot, sink, now, producers_json(snapshot.producers)));
    text.pop_back();
    text += R"(,"batches":[)";
    for (const auto& batch : snapshot.batches) {
        text += batch == snapshot.batches.front() ? "" : ",";
        text += batch->line;
    }
    return text += "]}\n";
}

std::string state_json(const Snapshot& snapshot, const SinkStatus& sink, TimePoint now) {
    return text_of(document(snapshot, sink, now, marks_json(snapshot.producers)));
}

std::string roster_json(const ProducersStatus& producers) {
    return text_of({{"version", producers.version}, {"names", *producers.names}});
}

}  // namespace blocky
