// One line per number: its name, what it says, where it comes from.
#include "consumer/http/metrics_text.hpp"

#include <algorithm>

#include "consumer/http/metric_families.hpp"
#include "consumer/http/process_metrics.hpp"
#include "consumer/http/words.hpp"

namespace blocky {
namespace {

constexpr double kNanoseconds = 1e9;  // in a second

double number(std::uint64_t count) {
    return static_cast<double>(count);
}

double seconds(Duration duration) {
    return static_cast<double>(duration.count()) / kNanoseconds;
}

double seconds_since(const std::optional<TimePoint>& begin, TimePoint now) {
    return begin ? seconds(std::max(now - *begin, Duration::zero())) : 0;
}

double seconds_since_1970(WallTime time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void add_run(MetricFamilies& to, const Snapshot& snapshot) {
    const auto& info = *snapshot.info;
    to.gauge("blocky_run_info", "This run of the consumer, and the kind of its sink.", 1,
             {{"run", info.run}, {"sink", info.sink}});
    to.gauge("blocky_start_time_seconds", "When the consumer began to serve, since 1970.",
             seconds_since_1970(info.started_at));
    MetricFamilies::ByLabel states;
    using State = Snapshot::State;
    for (const auto state : {State::kServing, State::kDraining, State::kStopped}) {
        states.emplace_back(to_string(state), snapshot.state == state ? 1 : 0);
    }
    to.gauges("blocky_state", "1 for the state that the consumer is in.", "state", states);
    to.gauge("blocky_max_held_messages", "More than so many are not held: --max-held.",
             number(info.max_held));
}

void add_outcomes(MetricFamilies& to, const Metrics& metrics) {
    const auto verdicts = [&metrics](Verdict::Kind kind) {
        return number(metrics.messages_by_verdict.at(static_cast<std::size_t>(kind)));
    };
    to.counters("blocky_messages_total", "Messages in processed batches, by what became of them.",
                "outcome",
                {{"stored", verdicts(Verdict::Kind::kStored)},
                 {"duplicate", verdicts(Verdict::Kind::kDuplicate)},
                 {"rejected", verdicts(Verdict::Kind::kRejected)},
                 {"failed", verdicts(Verdict::Kind::kFailed)}});
    MetricFamilies::ByLabel replies{{"ok", number(metrics.replies_ok)},
                                    {"duplicate", number(metrics.duplicates)}};
    for (std::size_t code = 0; code < kErrorCodes; ++code) {
        replies.emplace_back(to_string(static_cast<ErrorCode>(code)),
                             number(metrics.errors.at(code)));
    }
    to.counters("blocky_replies_total", "Replies, by what they said.", "outcome", replies);
    to.counter("blocky_duplicates_total", "Messages answered as processed before.",
               number(metrics.duplicates));
}

void add_batches(MetricFamilies& to, const Metrics& metrics) {
    MetricFamilies::ByLabel triggers;
    for (std::size_t trigger = 0; trigger < kTriggers; ++trigger) {
        triggers.emplace_back(to_string(static_cast<Trigger>(trigger)),
                              number(metrics.batches_by_trigger.at(trigger)));
    }
    to.counters("blocky_batches_total", "Processed batches, empty ones too, by what closed them.",
                "trigger", triggers);
    to.counter("blocky_batches_failed_total", "Batches with a message that has failed.",
               number(metrics.batches_failed));
    to.histogram("blocky_batch_size_messages", "Messages of each batch.", metrics.batch_size, 1);
    to.histogram("blocky_hold_seconds", "How long each message was held, from arrival to reply.",
                 metrics.hold, kNanoseconds);
    to.histogram("blocky_processing_seconds", "How long each batch was with the sink.",
                 metrics.processing, kNanoseconds);
    to.histogram("blocky_timer_lateness_seconds",
                 "How late the timer was for each batch that it closed.", metrics.timer_lateness,
                 kNanoseconds);
}

void add_present(MetricFamilies& to, const Snapshot& snapshot) {
    const auto& producers = snapshot.producers;
    to.gauge("blocky_held_messages", "Messages that wait for their reply.",
             number(snapshot.held_messages));
    to.gauge("blocky_held_bytes", "Bytes of those messages.", number(snapshot.held_bytes));
    to.gauge("blocky_held_producers", "Producers that wait for a reply.", number(producers.held));
    to.gauge("blocky_live_producers", "Producers that are connected and have pushed.",
             number(producers.live));
    to.gauge("blocky_missing_producers", "Producers without a message in the open batch.",
             number(producers.missing));
    to.gauge("blocky_open_batch_messages", "Messages in the open batch.",
             number(snapshot.open.messages));
    to.gauge("blocky_open_batch_bytes", "Bytes in the open batch.", number(snapshot.open.bytes));
    to.gauge("blocky_batches_in_line", "Closed batches that wait for the sink.",
             number(snapshot.in_line));
}

void add_sink(MetricFamilies& to, const SinkStatus& sink, TimePoint now) {
    to.gauge("blocky_sink_up", "0 while the sink fails.", sink.failing_since ? 0 : 1);
    to.gauge("blocky_sink_busy_seconds", "How long the sink has had its batch; 0: it has none.",
             seconds_since(sink.busy_since, now));
    to.gauge("blocky_sink_failing_seconds", "How long the sink has been failing; 0: it is not.",
             seconds_since(sink.failing_since, now));
    to.counter("blocky_sink_failed_calls_total", "Calls to the sink that failed.",
               number(sink.failed_calls));
    to.counter("blocky_retries_total", "Calls to the sink because one had failed.",
               number(sink.retries));
    to.counter("blocky_dead_letters_total", "Messages written to the dead-letter file.",
               number(sink.dead_letters));
}

void add_losses(MetricFamilies& to, const Snapshot& snapshot) {
    const auto& metrics = snapshot.metrics;
    to.counters("blocky_connections_refused_total",
                "Connections that came to nothing: no peer of ours, or no descriptor left.",
                "reason",
                {{"handshake", number(metrics.handshakes_failed)},
                 {"accept", number(metrics.accepts_failed)}});
    to.counter("blocky_unanswerable_requests_total", "Requests without a delimiter, dropped.",
               number(metrics.unanswerable));
    to.counter("blocky_undeliverable_replies_total",
               "Replies whose producer had gone or did not read.", number(metrics.undeliverable));
    to.counter("blocky_log_lines_dropped_total", "Lines of the batch log that stdout did not take.",
               number(snapshot.log_lines_dropped));
}

void add_process(MetricFamilies& to) {
    const auto process = read_process_metrics();
    if (!process) {
        return;
    }
    to.gauge("process_start_time_seconds", "When the process was started, since 1970.",
             process->start_time_seconds);
    to.counter("process_cpu_seconds_total", "Processor time of the process.", process->cpu_seconds);
    to.gauge("process_resident_memory_bytes", "Memory that the process has in use.",
             number(process->resident_bytes));
    to.gauge("process_open_fds", "Descriptors that the process has open.",
             number(process->open_descriptors));
    to.gauge("process_max_fds", "Descriptors that the process may have open.",
             number(process->most_descriptors));
}

}  // namespace

std::string metrics_text(const MetricsSource& source) {
    MetricFamilies families;
    families.gauge("blocky_build_info", "The version of the program.", 1,
                   {{"version", std::string(kVersion)}});
    if (source.snapshot) {
        add_run(families, *source.snapshot);
        add_outcomes(families, source.snapshot->metrics);
        add_batches(families, source.snapshot->metrics);
        add_present(families, *source.snapshot);
        add_losses(families, *source.snapshot);
    }
    add_sink(families, source.sink, source.now);
    if (source.last_beat) {
        families.gauge("blocky_loop_age_seconds", "How long ago the loop turned.",
                       seconds_since(source.last_beat, source.now));
    }
    families.counter("blocky_http_connections_refused_total",
                     "Connections that the HTTP server cut or did not take, being full.",
                     number(source.connections_refused));
    add_process(families);
    return families.text();
}

}  // namespace blocky
