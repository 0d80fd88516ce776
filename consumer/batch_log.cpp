// The two forms of a line.
#include "consumer/batch_log.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/json_text.hpp"

namespace blocky {
namespace {

std::ptrdiff_t count(const Processed& processed, Verdict::Kind kind) {
    return std::ranges::count(processed.verdicts, kind, &Verdict::kind);
}

std::string what_happened(const BatchRecord& record) {
    const auto& verdicts = record.processed.verdicts;
    const auto failed = std::ranges::find(verdicts, Verdict::Kind::kFailed, &Verdict::kind);
    if (failed == verdicts.end()) {
        return record.processed.summary.text;
    }
    auto reason = failed->detail;
    std::ranges::replace_if(
        reason, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    return fmt::format("Failed on {} of {} messages ❌ {}",
                       count(record.processed, Verdict::Kind::kFailed), verdicts.size(), reason);
}

std::string remark(std::ptrdiff_t number, std::string_view what) {
    return number > 0 ? fmt::format(", {} {}", number, what) : std::string();
}

std::string waiting_for(const std::optional<Attendance>& attendance) {
    if (!attendance || attendance->missing == 0) {
        return {};
    }
    const auto& names = attendance->waiting_for;
    if (names.empty()) {
        return fmt::format(", {} missing", attendance->missing);
    }
    const auto* const more = names.size() < attendance->missing ? " …" : "";
    return fmt::format(", {} missing: {}{}", attendance->missing, fmt::join(names, ", "), more);
}

std::string attendance_members(const std::optional<Attendance>& attendance) {
    if (!attendance) {
        return {};
    }
    std::string names;
    for (const auto& name : attendance->waiting_for) {
        names += names.empty() ? "" : ",";
        append_json_string(names, name);
    }
    return fmt::format(R"(,"live":{},"missing":{},"waiting_for":[{}])", attendance->live,
                       attendance->missing, names);
}

}  // namespace

std::string text_line(const BatchRecord& record) {
    return fmt::format("{} batch={} {} (held {:.0f} ms, processed {:.1f} ms{}{}{})",
                       utc_timestamp(record.closed_at), record.batch.number, what_happened(record),
                       to_milliseconds(record.longest_hold), to_milliseconds(record.processed.took),
                       remark(count(record.processed, Verdict::Kind::kRejected), "rejected"),
                       remark(count(record.processed, Verdict::Kind::kDuplicate), "duplicates"),
                       waiting_for(record.batch.attendance));
}

// Written as text: the summary may hold an integer that no JSON document in memory can.
std::string json_line(const BatchRecord& record, const std::string& run) {
    const auto& [batch, processed, closed_at, longest_hold] = record;
    const bool failed = count(processed, Verdict::Kind::kFailed) > 0;
    return fmt::format(
        R"({{"ts":"{}","run":"{}","batch":{},"size":{},"bytes":{},"producers":{},"trigger":"{}",)"
        R"("hold_ms_max":{:.3f},"process_ms":{:.3f},"status":"{}","rejected":{},"duplicates":{},)"
        R"("summary":{}{}}})",
        utc_timestamp(closed_at), run, batch.number, batch.messages.size(), batch.bytes,
        batch.producers, to_string(batch.trigger), to_milliseconds(longest_hold),
        to_milliseconds(processed.took), failed ? "failed" : "ok",
        count(processed, Verdict::Kind::kRejected), count(processed, Verdict::Kind::kDuplicate),
        processed.summary.json, attendance_members(batch.attendance));
}

void BatchLog::write(const BatchRecord& record) {
    const bool first = output_.dropped() == 0;
    if (!output_.write(format_ == LogFormat::kJson ? json_line(record, run_) : text_line(record)) &&
        first) {
        spdlog::warn("stdout does not take the batch log ({}): lines are dropped, batches go on",
                     std::generic_category().message(errno));
    }
}

}  // namespace blocky
