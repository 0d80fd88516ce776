// Try, try again, and divide.
#include "consumer/settler.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "common/invariant.hpp"
#include "consumer/sinks/printable.hpp"

namespace blocky {
namespace {

constexpr std::size_t kLongestReason = 1000;  // bytes

// What a sink says, often in the words of a program that is not ours, goes into replies and to the
// terminals of others.
void make_printable(BatchResult& result) {
    if (!result) {
        result.error().reason = printable(result.error().reason, kLongestReason);
        return;
    }
    for (auto& verdict : *result) {
        if (!verdict.processed()) {
            verdict.detail = printable(verdict.detail, kLongestReason);
        }
    }
}

Batch part_of(const Batch& batch, std::size_t begin, std::size_t end) {
    Batch part;  // its texts stay the whole batch's
    part.number = batch.number;
    part.trigger = batch.trigger;
    part.closed_at = batch.closed_at;
    part.producers = batch.producers;
    const auto first = batch.messages.begin();
    part.messages.assign(std::next(first, static_cast<std::ptrdiff_t>(begin)),
                         std::next(first, static_cast<std::ptrdiff_t>(end)));
    return part;
}

}  // namespace

Settler::Settler(Sink& sink, RetryPolicy policy, DeadLetter* dead_letter, SinkActivity* activity,
                 TimeAndChance outside)
    : sink_(sink),
      policy_(policy),
      outside_(std::move(outside)),
      dead_letter_(dead_letter),
      activity_(activity != nullptr ? *activity : unseen_),
      sink_outage_("the sink", policy.give_up_after),
      file_outage_("the dead-letter file", policy.give_up_after) {}

std::vector<Verdict> Settler::settle(const Batch& batch, const Pause& pause) {
    batch_ = &batch;
    pause_ = &pause;
    verdicts_.clear();
    rejections_.clear();
    given_up_.reset();
    stopped_ = false;
    end_retries();
    activity_.begun(batch.number, outside_.now());
    settle_part(batch, 0);
    if (dead_letter_ != nullptr && !rejections_.empty()) {
        write_dead_letters();
    }
    activity_.ended();
    return std::move(verdicts_);
}

// `attempts`: calls to the sink that these messages have taken part in.
void Settler::settle_part(const Batch& part, unsigned attempts) {
    took_whole_ = false;
    if (given_up_) {
        give_up(part.messages.size(), *given_up_);
        return;
    }
    auto result = try_until_settled(part, attempts);
    if (result) {
        take(std::move(*result), attempts);
        took_whole_ = true;
    } else if (result.error().kind == SinkFailure::Kind::kTransient) {
        given_up_ = std::move(result.error().reason);
        give_up(part.messages.size(), *given_up_);
    } else if (part.messages.size() == 1) {
        take({{Verdict::Kind::kRejected, std::move(result.error().reason)}}, attempts);
    } else {
        settle_halves(part, attempts);
    }
}

// Of a part that has failed for good. If its first half is good the fault is in the second: asking
// for that as a whole would only tell what is known, so one bad message in n costs no more than
// 2·log2(n)+1 calls, whatever n is. The second half is the larger one, for it is often spared that.
void Settler::settle_halves(const Batch& part, unsigned attempts) {
    const auto size = part.messages.size();
    settle_part(part_of(part, 0, size / 2), attempts);
    const auto rest = part_of(part, size / 2, size);
    if (took_whole_ && rest.messages.size() > 1) {
        settle_halves(rest, attempts);
    } else {
        settle_part(rest, attempts);
    }
    took_whole_ = false;
}

// Verdicts, a permanent failure, or a transient one that has lasted too long.
BatchResult Settler::try_until_settled(const Batch& part, unsigned& attempts) {
    while (true) {
        auto result = try_once(part);
        ++attempts;
        if (result || result.error().kind == SinkFailure::Kind::kPermanent) {
            worked(sink_outage_);  // it does answer
            end_retries();
            return result;
        }
        if (!may_retry(sink_outage_, result.error().reason, batch_->messages.size())) {
            return result;
        }
    }
}

BatchResult Settler::try_once(const Batch& part) {
    try {
        auto result = sink_.process(part);
        invariant(!result || result->size() == part.messages.size(),
                  "a sink gives one verdict per message");
        make_printable(result);
        return result;
    } catch (const std::exception& error) {
        // A sink that gave no verdict has failed, and may succeed later.
        return tl::make_unexpected(
            SinkFailure{SinkFailure::Kind::kTransient, printable(error.what(), kLongestReason)});
    }
}

// Waits for the next try; false when there is none. The time for all of them runs from the first
// failure on, which a success ends: a call that itself took long does not use it up.
bool Settler::may_retry(OutageLog& outage, const std::string& reason, std::size_t messages) {
    const auto now = outside_.now();
    outage.failed(reason, {batch_->number, messages, batch_->producers}, now);
    activity_.failed(reason, now);
    if (!backoff_) {  // most batches need none, and its seed is not for nothing
        backoff_.emplace(policy_.first_delay, policy_.longest_delay, outside_.chance());
    }
    auto delay = backoff_->next();
    if (policy_.give_up_after) {
        give_up_at_ = give_up_at_.value_or(now + *policy_.give_up_after);
        const auto left = *give_up_at_ - now;
        if (left <= Duration::zero()) {
            return false;
        }
        delay = std::min(delay, left);
    }
    stopped_ = !(*pause_)(delay);
    if (!stopped_) {
        activity_.retried(outside_.now());
    }
    return !stopped_;
}

// What fails next fails anew, with all the time there is.
void Settler::end_retries() {
    backoff_.reset();
    give_up_at_.reset();
}

void Settler::take(std::vector<Verdict> verdicts, unsigned attempts) {
    if (dead_letter_ != nullptr) {
        for (std::size_t i = 0; i < verdicts.size(); ++i) {
            if (verdicts[i].kind == Verdict::Kind::kRejected) {
                rejections_.push_back({verdicts_.size() + i, attempts});
            }
        }
    }
    if (verdicts_.empty()) {
        verdicts_ = std::move(verdicts);
    } else {
        std::ranges::move(verdicts, std::back_inserter(verdicts_));
    }
}

void Settler::give_up(std::size_t messages, const std::string& reason) {
    verdicts_.insert(verdicts_.end(), messages, {Verdict::Kind::kFailed, reason});
    if (verdicts_.size() == batch_->messages.size() && !stopped_) {
        const auto failed = std::ranges::count(verdicts_, Verdict::Kind::kFailed, &Verdict::kind);
        sink_outage_.gave_up({batch_->number, static_cast<std::size_t>(failed), 0}, outside_.now());
    }
}

// The sink is not asked again meanwhile: what it has done is done. A refusal that cannot be kept is
// no refusal: the producer is told to send the message again.
void Settler::write_dead_letters() {
    std::vector<DeadMessage> dead;
    for (const auto& [index, attempts] : rejections_) {
        dead.push_back(
            {&batch_->messages[index], verdicts_[index].detail, batch_->number, attempts});
    }
    end_retries();  // if the sink was given up, that took all of its time and none of the file's
    while (const auto problem = dead_letter_->append(dead)) {
        if (may_retry(file_outage_, *problem, batch_->messages.size())) {
            continue;
        }
        if (!stopped_) {
            file_outage_.gave_up({batch_->number, dead.size(), 0}, outside_.now());
        }
        for (const auto& [index, attempts] : rejections_) {
            verdicts_[index] = {
                Verdict::Kind::kFailed,
                fmt::format("the sink rejects it ({}), but {}", verdicts_[index].detail, *problem)};
        }
        return;
    }
    worked(file_outage_);
    activity_.buried(dead.size());
}

void Settler::worked(OutageLog& outage) {
    const auto now = outside_.now();
    outage.worked(now);
    activity_.worked(now);
}

}  // namespace blocky
