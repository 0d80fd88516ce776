// What a run of the producer has come to, in numbers and in words: the progress line and the
// closing summary. Free of the clock and of any terminal: every call is told the time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "common/durations.hpp"
#include "producer/push.hpp"

namespace blocky {

class Tally {
public:
    // `noun`: what a message's number counts, "message" or "line". `count`: how many
    // acknowledgements end the run, if that is known.
    Tally(TimePoint start, std::string noun, std::optional<std::uint64_t> count);

    // A message is handed to the client. While others are in flight `now` is not looked at.
    void pushed(std::uint64_t number, TimePoint now);
    // It has its outcome. `input_taken`: the share of the input that was handed out, if known.
    void settled(const PushResult& result, TimePoint now, std::optional<double> input_taken);
    // Something of the input was no message.
    void skipped() { ++skipped_; }

    std::uint64_t in_flight() const { return pushed_ - outcomes_; }
    // Whether nothing has come for so long, though something is in flight, that it is worth saying.
    bool waits(TimePoint now) const;

    // "120 acknowledged, 40 %, 98/s, 2 s left, held 10.1 ms (p50 9.9 ms)", as short as it may be
    // cut off. The rate is that of the last seconds, if it is called now and then, as is meant.
    std::string progress(TimePoint now);

    // "120 sent, 119 acknowledged (2 duplicates), 1 rejected; held p50 9.9 ms, p99 12.1 ms; 98/s
    // for 1.2 s". `now`: the end of the run.
    std::string summary(TimePoint now) const;

private:
    struct Sample {
        TimePoint time;
        std::uint64_t acknowledged = 0;
        double share = 0;
    };

    std::optional<double> share_done() const;
    void take_sample(TimePoint now, double share);
    double recent_rate() const;
    std::optional<Duration> time_left() const;
    std::string what_it_waits_for(TimePoint now) const;

    TimePoint start_;
    std::string noun_;
    std::optional<std::uint64_t> count_;

    std::uint64_t pushed_ = 0;
    std::uint64_t outcomes_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t duplicates_ = 0;  // of those: processed before
    std::uint64_t rejected_ = 0;    // never to be sent again
    std::uint64_t unanswered_ = 0;  // given up, or still in flight at the end
    std::uint64_t never_sent_ = 0;  // when the run was stopped
    std::uint64_t skipped_ = 0;
    std::uint64_t latest_number_ = 0;
    TimePoint silent_since_;  // the latest outcome, or the push that had none before it
    std::optional<double> input_taken_;
    Durations held_;
    Duration latest_held_{0};
    std::deque<Sample> samples_;  // the oldest first
};

}  // namespace blocky
