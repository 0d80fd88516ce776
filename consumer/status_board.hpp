// Where the router's thread puts up its latest snapshot, and other threads read it. The router
// waits for nobody here: a snapshot is a pointer that is exchanged. The board also knows when the
// router last turned, so that its readers can tell a loop that hangs from one that has nothing to
// say.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "common/clock.hpp"
#include "consumer/sink_activity.hpp"
#include "consumer/snapshot.hpp"

namespace blocky {

// Safe to use from any thread. `activity` must outlive it.
class StatusBoard {
public:
    explicit StatusBoard(const SinkActivity& activity) : activity_(activity) {}

    // The router's thread.
    void put_up(std::shared_ptr<const Snapshot> snapshot);
    void beat(TimePoint now) { last_beat_ = now; }

    // Null until the consumer has begun to serve.
    std::shared_ptr<const Snapshot> latest() const;
    // One other than `seen`, waited for up to `patience`; after that, or close(), whatever is
    // there.
    std::shared_ptr<const Snapshot> wait_for_other(const std::shared_ptr<const Snapshot>& seen,
                                                   Duration patience) const;
    // Nobody waits here any longer.
    void close();

    // When the router last turned; nothing until it has.
    std::optional<TimePoint> last_beat() const;
    // As it is now, however old the snapshot is.
    SinkStatus sink() const { return activity_.status(); }
    std::uint64_t sink_failures_and_ends() const { return activity_.failures_and_ends(); }

private:
    const SinkActivity& activity_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::shared_ptr<const Snapshot> latest_;  // guarded by mutex_
    bool closed_ = false;                     // guarded by mutex_
    std::atomic<TimePoint> last_beat_{TimePoint::min()};
};

}  // namespace blocky
