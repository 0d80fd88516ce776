// Makes a snapshot of the consumer and puts it up on the status board: soon after something has
// changed, but only so often, for who looks on must not cost those who push. Owned and touched by
// the router's thread; free of clocks.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "consumer/batcher.hpp"
#include "consumer/snapshot.hpp"
#include "consumer/status_board.hpp"

namespace blocky {

// Between two snapshots. A person sees no more, and a scrape comes every few seconds.
inline constexpr Duration kBetweenSnapshots = std::chrono::milliseconds(100);

class StatusReporter {
public:
    // The board must outlive it.
    StatusReporter(StatusBoard& board, RunInfo info)
        : board_(board), info_(std::make_shared<const RunInfo>(std::move(info))) {}

    // A batch is over: its number, and its line of the JSON batch log.
    void batch_over(std::uint64_t number, std::string line);
    // Something else that is shown may be other than before.
    void changed() { changed_ = true; }

    // Where the router stands.
    struct Standing {
        Snapshot::State state;
        const Batcher& batcher;
        const Metrics& metrics;
        std::uint64_t log_lines_dropped;
    };
    // At the end of each turn. Puts a snapshot up if one is due.
    void turned(const Standing& standing, TimePoint now);
    // At the end of the run.
    void put_up(const Standing& standing, TimePoint now);

    // When turned() is to be called, if not before; nothing when nothing has changed.
    std::optional<TimePoint> due_at() const;

private:
    ProducersStatus producers(const Batcher& batcher);

    StatusBoard& board_;
    std::shared_ptr<const RunInfo> info_;
    std::deque<std::shared_ptr<const BatchEvent>> batches_;
    std::shared_ptr<const std::vector<std::string>> names_;  // of the roster at names_version_
    std::uint64_t names_version_ = 0;
    std::optional<TimePoint> put_up_at_;                 // the latest
    Snapshot::State state_ = Snapshot::State::kServing;  // as it was in the latest turn
    std::uint64_t sink_failures_and_ends_ = 0;           // the same
    bool changed_ = true;
};

}  // namespace blocky
