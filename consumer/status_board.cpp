// A pointer under a lock.
#include "consumer/status_board.hpp"

#include <utility>

namespace blocky {

void StatusBoard::put_up(std::shared_ptr<const Snapshot> snapshot) {
    {
        const std::lock_guard lock(mutex_);
        latest_.swap(snapshot);
    }
    changed_.notify_all();
    // What was there before goes here, outside of the lock, unless somebody still reads it.
}

std::shared_ptr<const Snapshot> StatusBoard::latest() const {
    const std::lock_guard lock(mutex_);
    return latest_;
}

std::shared_ptr<const Snapshot> StatusBoard::wait_for_other(
    const std::shared_ptr<const Snapshot>& seen, Duration patience) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return closed_ || latest_ != seen; });
    return latest_;
}

void StatusBoard::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    changed_.notify_all();
}

std::optional<TimePoint> StatusBoard::last_beat() const {
    const auto beat = last_beat_.load();
    return beat == TimePoint::min() ? std::nullopt : std::optional(beat);
}

}  // namespace blocky
