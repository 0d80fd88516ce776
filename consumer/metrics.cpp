// Puts the counts into words.
#include "consumer/metrics.hpp"

#include <fmt/format.h>

#include "common/units.hpp"

namespace blocky {

void Metrics::count(const Reply& reply) {
    duplicates += reply.duplicate ? 1U : 0U;
    if (!reply.ok) {
        ++errors.at(static_cast<std::size_t>(reply.code));
    }
}

void Metrics::count(const Batch& batch, const std::vector<Verdict>& verdicts) {
    ++batches;
    messages += batch.messages.size();
    for (const auto& verdict : verdicts) {
        if (verdict.kind != Verdict::Kind::kStored) {
            Reply reply;
            reply.ok = verdict.processed();
            reply.duplicate = verdict.processed();
            reply.code = verdict.kind == Verdict::Kind::kRejected ? ErrorCode::kRejected
                                                                  : ErrorCode::kSinkFailed;
            count(reply);
        }
    }
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
    add(metrics.duplicates, "duplicates");
    for (std::size_t code = 0; code < kErrorCodes; ++code) {
        add(metrics.errors.at(code), to_string(static_cast<ErrorCode>(code)));
    }
    add(metrics.unanswerable, "requests without a delimiter dropped");
    add(metrics.undeliverable, "replies not delivered, their producers had gone or did not read");
    add(log_lines_dropped, "lines of the batch log dropped");
    return text;
}

}  // namespace blocky
