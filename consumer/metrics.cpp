// Puts the counts into words.
#include "consumer/metrics.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/units.hpp"

namespace blocky {
namespace {

// The clock is monotonic; what is negative all the same is nothing.
std::uint64_t nanoseconds(Duration duration) {
    return duration > Duration::zero() ? static_cast<std::uint64_t>(duration.count()) : 0;
}

std::array<std::uint64_t, kVerdictKinds> count_kinds(const std::vector<Verdict>& verdicts) {
    std::array<std::uint64_t, kVerdictKinds> counts{};
    for (const auto& verdict : verdicts) {
        ++counts.at(static_cast<std::size_t>(verdict.kind));
    }
    return counts;
}

}  // namespace

void Metrics::count(const Reply& reply) {
    if (!reply.ok) {
        ++errors.at(static_cast<std::size_t>(reply.code));
    } else if (reply.duplicate) {
        ++duplicates;
    } else {
        ++replies_ok;
    }
}

void Metrics::count(const Batch& batch, const std::vector<Verdict>& verdicts, Duration took,
                    Replied replied) {
    ++batches;
    ++batches_by_trigger.at(static_cast<std::size_t>(batch.trigger));
    messages += batch.messages.size();
    batch_size.observe(batch.messages.size());
    if (batch.lateness) {
        timer_lateness.observe(nanoseconds(*batch.lateness));
    }
    if (!batch.messages.empty()) {
        processing.observe(nanoseconds(took));
    }
    const auto counts = count_kinds(verdicts);
    for (std::size_t kind = 0; kind < kVerdictKinds; ++kind) {
        messages_by_verdict.at(kind) += counts.at(kind);
    }
    const auto of = [&counts](Verdict::Kind kind) {
        return counts.at(static_cast<std::size_t>(kind));
    };
    batches_failed += of(Verdict::Kind::kFailed) > 0 ? 1U : 0U;
    if (replied == Replied::kYes) {
        replies_ok += of(Verdict::Kind::kStored);
        duplicates += of(Verdict::Kind::kDuplicate);
        errors.at(static_cast<std::size_t>(ErrorCode::kRejected)) += of(Verdict::Kind::kRejected);
        errors.at(static_cast<std::size_t>(ErrorCode::kSinkFailed)) += of(Verdict::Kind::kFailed);
    }
}

void Metrics::count_hold(Duration held_for) {
    held.record(held_for);
    hold.observe(nanoseconds(held_for));
}

std::string closing_summary(const Metrics& metrics, std::uint64_t log_lines_dropped) {
    auto text = fmt::format("{} batches, {} messages", metrics.batches, metrics.messages);
    if (metrics.held.count() > 0) {
        text += fmt::format(", held {} in the median and {} at worst",
                            describe(metrics.held.quantile(0.5)), describe(metrics.held.longest()));
    }
    const auto add = [&text](std::uint64_t count, std::string_view what) {
        if (count > 0) {
            text += fmt::format("; {} {}", count, what);
        }
    };
    // With --reply immediate they are not replies, and no less worth knowing.
    const auto verdicts = [&metrics](Verdict::Kind kind) {
        return metrics.messages_by_verdict.at(static_cast<std::size_t>(kind));
    };
    auto errors = metrics.errors;
    const auto at_least = [&errors](ErrorCode code, std::uint64_t count) {
        auto& errors_of_code = errors.at(static_cast<std::size_t>(code));
        errors_of_code = std::max(errors_of_code, count);
    };
    at_least(ErrorCode::kRejected, verdicts(Verdict::Kind::kRejected));
    at_least(ErrorCode::kSinkFailed, verdicts(Verdict::Kind::kFailed));
    add(std::max(metrics.duplicates, verdicts(Verdict::Kind::kDuplicate)), "duplicates");
    for (std::size_t code = 0; code < kErrorCodes; ++code) {
        add(errors.at(code), to_string(static_cast<ErrorCode>(code)));
    }
    add(metrics.unanswerable, "requests without a delimiter dropped");
    add(metrics.undeliverable, "replies not delivered, their producers had gone or did not read");
    add(metrics.handshakes_failed, "connections refused");
    add(log_lines_dropped, "lines of the batch log dropped");
    return text;
}

}  // namespace blocky
