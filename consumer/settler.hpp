// Gets a batch its verdicts from the sink, whatever that takes, for all sinks alike: a transient
// failure is tried again with backoff, a permanent one is cut in halves until the message at fault
// stands alone, and what the sink refuses goes to the dead-letter file before anybody is told.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "common/backoff.hpp"
#include "common/clock.hpp"
#include "consumer/batch.hpp"
#include "consumer/dead_letter.hpp"
#include "consumer/outage_log.hpp"
#include "consumer/sink.hpp"
#include "consumer/sink_activity.hpp"

namespace blocky {

struct RetryPolicy {
    std::optional<Duration> give_up_after;  // of failing without a success; nothing: never
    Duration first_delay = std::chrono::milliseconds(100);
    Duration longest_delay = std::chrono::seconds(5);
};

// What it takes from the outside; the simulation hands in its own.
struct TimeAndChance {
    std::function<TimePoint()> now = [] { return Clock::now(); };
    std::function<std::uint64_t()> chance = [] { return std::random_device{}(); };
};

// Used by one thread at a time. What it is given must outlive it.
class Settler {
public:
    // Waits so long; false when nothing is to be tried any more.
    using Pause = std::function<bool(Duration)>;

    // `dead_letter` and `activity` may be nullptr: nothing is kept, nobody looks.
    Settler(Sink& sink, RetryPolicy policy, DeadLetter* dead_letter,
            SinkActivity* activity = nullptr, TimeAndChance outside = {});

    // One verdict per message, in order; why one was not processed is a line of at most 1,000
    // bytes, without control characters. What is committed is so in the order of the batch: where
    // the sink is given up, all that comes after that is not tried any more.
    std::vector<Verdict> settle(const Batch& batch, const Pause& pause);

private:
    // In whose place in verdicts_ a refusal stands, and how often the sink was asked.
    struct Rejection {
        std::size_t index;
        unsigned attempts;
    };

    void settle_part(const Batch& part, unsigned attempts);
    void settle_halves(const Batch& part, unsigned attempts);
    BatchResult try_until_settled(const Batch& part, unsigned& attempts);
    BatchResult try_once(const Batch& part);
    bool may_retry(OutageLog& outage, const std::string& reason, std::size_t messages);
    void take(std::vector<Verdict> verdicts, unsigned attempts);
    void end_retries();
    void give_up(std::size_t messages, const std::string& reason);
    void write_dead_letters();
    void worked(OutageLog& outage);

    Sink& sink_;
    RetryPolicy policy_;
    TimeAndChance outside_;
    DeadLetter* dead_letter_;
    SinkActivity unseen_;
    SinkActivity& activity_;
    OutageLog sink_outage_;
    OutageLog file_outage_;

    // Of the batch being settled.
    const Batch* batch_ = nullptr;
    const Pause* pause_ = nullptr;
    std::vector<Verdict> verdicts_;  // so far
    std::vector<Rejection> rejections_;
    std::optional<std::string> given_up_;  // why
    bool stopped_ = false;                 // by the pause, and not by the time
    bool took_whole_ = false;              // the latest part, at the first call that was no failure
    std::optional<Backoff> backoff_;       // this one and the next: from a failure to a success
    std::optional<TimePoint> give_up_at_;
};

}  // namespace blocky
