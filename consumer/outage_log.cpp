// The sentences.
#include "consumer/outage_log.hpp"

#include <chrono>
#include <string_view>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/units.hpp"

namespace blocky {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// An outage that has lasted so long is recalled when it has lasted so much: who comes to look after
// hours finds it in the log, and the log is not full of it.
Duration next_recall(Duration lasted) {
    for (const Duration limit : {minutes(1), minutes(10)}) {
        if (lasted < limit) {
            return limit;
        }
    }
    return hours(lasted / hours(1) + 1);
}

std::string_view full_stop_behind(std::string_view reason) {
    return reason.ends_with('.') || reason.ends_with('?') || reason.ends_with('!') ? "" : ".";
}

}  // namespace

void OutageLog::failed(const std::string& reason, const Stake& stake, TimePoint now) {
    if (!outage_) {
        outage_ = {now, 1, reason, reason, now, 0, 0, {}, next_recall({})};
        spdlog::warn(
            "{} fails: {}{} The producers stay held ({} messages of {} producers in batch {}) "
            "while it is tried again, {}",
            what_, reason, full_stop_behind(reason), stake.messages, stake.producers, stake.batch,
            patience_ ? fmt::format("for {} (--retry-for)", describe(*patience_))
                      : std::string("until it works"));
        return;
    }
    ++outage_->tries;
    outage_->reason = reason;
    const auto lasted = now - outage_->since;
    const bool is_news =
        reason != outage_->said_reason && now - outage_->reason_said_at >= kBetweenReminders;
    if (is_news || lasted >= outage_->recalled_after) {
        outage_->recalled_after = next_recall(lasted);
        outage_->said_reason = reason;
        outage_->reason_said_at = now;
        spdlog::warn("{} still fails, after {} and {} tries: {}", what_, describe(lasted),
                     outage_->tries, reason);
    }
}

void OutageLog::gave_up(const Stake& stake, TimePoint now) {
    if (!outage_) {
        return;
    }
    auto& outage = *outage_;
    outage.messages_given_up += stake.messages;
    if (++outage.batches_given_up == 1) {
        outage.given_up_said_at = now;
        spdlog::error(
            "{} has failed for {} (--retry-for), so batch {} is given up: {} messages of it are "
            "answered sink_failed. They are not known to be processed; sending them again with "
            "the same id is safe, and blocky-producer does so by itself. What to do: repair it "
            "({}); to hold the producers until then, start with a longer --retry-for, or "
            "--retry-for forever",
            what_, describe(patience_.value_or(Duration::zero())), stake.batch, stake.messages,
            outage.reason);
    } else if (now - outage.given_up_said_at >= kBetweenReminders) {
        outage.given_up_said_at = now;
        spdlog::error("{} still fails: {} batches ({} messages) are given up so far ({})", what_,
                      outage.batches_given_up, outage.messages_given_up, outage.reason);
    }
}

void OutageLog::worked(TimePoint now) {
    if (!outage_) {
        return;
    }
    const auto given_up = outage_->batches_given_up == 0
                              ? std::string("nothing was given up")
                              : fmt::format("{} batches ({} messages) were given up",
                                            outage_->batches_given_up, outage_->messages_given_up);
    spdlog::info("{} works again, after {} and {} tries that failed; {}", what_,
                 describe(now - outage_->since), outage_->tries, given_up);
    outage_.reset();
}

}  // namespace blocky
