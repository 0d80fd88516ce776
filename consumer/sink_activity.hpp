// What the sink is at, for whoever looks from outside: since when it has had a batch, since when it
// fails and why, how often it was tried again. The processing thread tells, any thread asks; a sink
// that hangs in a call keeps nobody from asking.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "common/clock.hpp"

namespace blocky {

struct SinkStatus {
    std::optional<TimePoint> busy_since;     // it has a batch; retries do not start it anew
    std::optional<TimePoint> called_since;   // a call has not returned; none between two tries
    std::uint64_t batch = 0;                 // number of that batch, or of the latest
    std::optional<TimePoint> failing_since;  // the first failure after which nothing succeeded
    std::string reason;                      // of the latest failure; printable, one line
    std::uint64_t failed_calls = 0;          // of this run
    std::uint64_t retries = 0;               // calls that were made because one had failed
    std::uint64_t dead_letters = 0;          // messages written to the dead-letter file
};

class SinkActivity {
public:
    void begun(std::uint64_t batch, TimePoint now);
    void ended();
    // A call, to the sink or the dead-letter file, has failed in a way that may pass.
    void failed(const std::string& reason, TimePoint now);
    // A failed call is made again.
    void retried(TimePoint now);
    // A call has succeeded; what is left of the batch follows at once.
    void worked(TimePoint now);
    void buried(std::size_t dead_letters);

    SinkStatus status() const;
    // Rises with each failure, and when the failing ends. Cheap enough to ask all the time.
    std::uint64_t failures_and_ends() const { return failures_and_ends_.load(); }

private:
    mutable std::mutex mutex_;
    SinkStatus status_;  // guarded by mutex_
    std::atomic<std::uint64_t> failures_and_ends_{0};
};

}  // namespace blocky
