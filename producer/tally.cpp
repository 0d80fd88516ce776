// Counts, and puts into words.
#include "producer/tally.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/units.hpp"

namespace blocky {
namespace {

// A reply takes as long as its batch, usually a second: less than this is not worth a word.
constexpr Duration kWorthSaying = std::chrono::seconds(2);
// What the rate and the time left look back on. Lines that are to come every five seconds come a
// little early or late.
constexpr Duration kRecent = std::chrono::milliseconds(4500);
constexpr Duration kForecast = std::chrono::seconds(30);

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

std::string describe_rate(double rate) {
    return rate < 10 ? fmt::format("{:.1f}/s", rate) : fmt::format("{:.0f}/s", rate);
}

// In whole seconds, minutes or hours: it is a guess.
std::string describe_left(Duration left) {
    const auto all = std::chrono::ceil<std::chrono::seconds>(left).count();
    if (all < 60) {
        return fmt::format("{} s", all);
    }
    if (all < 3600) {
        return fmt::format("{} min {} s", all / 60, all % 60);
    }
    return fmt::format("{} h {} min", all / 3600, all / 60 % 60);
}

}  // namespace

Tally::Tally(TimePoint start, std::string noun, std::optional<std::uint64_t> count)
    : start_(start), noun_(std::move(noun)), count_(count), silent_since_(start) {
    samples_.push_back({start, 0, 0});
}

void Tally::pushed(std::uint64_t number, TimePoint now) {
    if (in_flight() == 0) {
        silent_since_ = now;
    }
    ++pushed_;
    latest_number_ = number;
}

void Tally::settled(const PushResult& result, TimePoint now, std::optional<double> input_taken) {
    ++outcomes_;
    silent_since_ = now;
    input_taken_ = input_taken;
    if (result) {
        ++acknowledged_;
        duplicates_ += result->reply.duplicate ? 1U : 0U;
        latest_held_ = result->held;
        held_.record(result->held);
    } else if (result.error().kind == PushFailure::Kind::kRefused) {
        ++rejected_;
    } else if (result.error().kind == PushFailure::Kind::kNotSent) {
        ++never_sent_;
    } else {
        ++unanswered_;
    }
}

bool Tally::waits(TimePoint now) const {
    return in_flight() > 0 && now - silent_since_ >= kWorthSaying;
}

std::string Tally::progress(TimePoint now) {
    const auto share = share_done();
    take_sample(now, share.value_or(0));
    auto text = fmt::format("{} acknowledged", acknowledged_);
    if (share) {
        text += fmt::format(", {} %", static_cast<int>(*share * 100));
    }
    text += ", " + describe_rate(recent_rate());
    if (const auto left = time_left()) {
        text += fmt::format(", {} left", describe_left(*left));
    }
    if (waits(now)) {
        text += ", " + what_it_waits_for(now);
    }
    if (acknowledged_ > 0) {
        text += fmt::format(", held {} (p50 {})", describe(latest_held_),
                            describe(held_.quantile(0.5)));
    }
    const auto lost = rejected_ + unanswered_ + skipped_;
    return lost == 0 ? text : text + fmt::format(", {} not acknowledged", lost);
}

std::string Tally::summary(TimePoint now) const {
    auto text = fmt::format("{} sent, {} acknowledged ({} duplicates), {} rejected",
                            outcomes_ - never_sent_, acknowledged_, duplicates_, rejected_);
    if (unanswered_ > 0) {
        text += fmt::format(", {} without an answer", unanswered_);
    }
    if (skipped_ > 0) {
        text += fmt::format(", {} {}s skipped", skipped_, noun_);
    }
    if (acknowledged_ > 0) {
        text += fmt::format("; held p50 {}, p99 {}", describe(held_.quantile(0.5)),
                            describe(held_.quantile(0.99)));
    }
    const auto duration = std::max(now - start_, Duration(1));
    return text + fmt::format("; {} for {}",
                              describe_rate(static_cast<double>(acknowledged_) / seconds(duration)),
                              describe(duration));
}

// The run ends with the input or with the count, whichever comes first. What was handed out is done
// in so far as it has its outcome.
std::optional<double> Tally::share_done() const {
    if (!count_ && !input_taken_) {
        return std::nullopt;
    }
    const double of_count =
        count_ ? static_cast<double>(acknowledged_) / static_cast<double>(*count_) : 0;
    const double settled =
        pushed_ > 0 ? static_cast<double>(outcomes_) / static_cast<double>(pushed_) : 0;
    return std::min(1.0, std::max(of_count, input_taken_.value_or(0) * settled));
}

void Tally::take_sample(TimePoint now, double share) {
    while (samples_.size() > 2 && samples_[1].time <= now - kForecast) {
        samples_.pop_front();
    }
    samples_.push_back({now, acknowledged_, share});
}

double Tally::recent_rate() const {
    const auto& latest = samples_.back();
    const auto old = std::find_if(samples_.rbegin(), samples_.rend(), [&](const Sample& sample) {
        return latest.time - sample.time >= kRecent;
    });
    const auto& from = old == samples_.rend() ? samples_.front() : *old;
    const auto span = seconds(latest.time - from.time);
    return span > 0 ? static_cast<double>(latest.acknowledged - from.acknowledged) / span : 0;
}

// As if it went on as it did lately; nothing when it did not go on, or is over.
std::optional<Duration> Tally::time_left() const {
    const auto& from = samples_.front();
    const auto& latest = samples_.back();
    const auto gain = latest.share - from.share;
    if (gain <= 0 || latest.share >= 1) {
        return std::nullopt;
    }
    const auto left = (1 - latest.share) * seconds(latest.time - from.time) / gain;
    constexpr double kForEver = 1e9;
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(std::min(left, kForEver)));
}

std::string Tally::what_it_waits_for(TimePoint now) const {
    const auto silent = std::chrono::floor<std::chrono::seconds>(now - silent_since_).count();
    if (in_flight() == 1) {
        return fmt::format("waiting for {} s for the reply to {} {}", silent, noun_,
                           latest_number_);
    }
    return fmt::format("waiting for {} s for replies to {} {}s", silent, in_flight(), noun_);
}

}  // namespace blocky
