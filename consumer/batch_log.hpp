// The batch log on stdout: one line per batch, written after the commit and before the replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/clock.hpp"
#include "common/line_output.hpp"
#include "consumer/batch.hpp"
#include "consumer/worker.hpp"

namespace blocky {

enum class LogFormat { kText, kJson };

// Everything a line of the batch log says.
struct BatchRecord {
    const Batch& batch;
    const Processed& processed;
    WallTime closed_at;
    Duration longest_hold{0};  // of its messages, from arrival to reply
};

// Pure: the line without its newline.
std::string text_line(const BatchRecord& record);
std::string json_line(const BatchRecord& record, const std::string& run);

// Owned and touched by the router's thread.
class BatchLog {
public:
    BatchLog(int descriptor, LogFormat format, std::string run)
        : output_(descriptor), format_(format), run_(std::move(run)) {}

    // Never blocks: a line that stdout does not take is dropped and counted, which is said once.
    void write(const BatchRecord& record);
    // The line that it writes, or would, with --log json.
    std::string json(const BatchRecord& record) const { return json_line(record, run_); }
    std::uint64_t lines_dropped() const { return output_.dropped(); }

private:
    LineOutput output_;
    LogFormat format_;
    std::string run_;
};

}  // namespace blocky
