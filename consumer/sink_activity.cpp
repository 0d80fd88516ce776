// A handful of assignments under a lock.
#include "consumer/sink_activity.hpp"

namespace blocky {

void SinkActivity::begun(std::uint64_t batch, TimePoint now) {
    const std::lock_guard lock(mutex_);
    status_.busy_since = status_.called_since = now;
    status_.batch = batch;
}

void SinkActivity::ended() {
    const std::lock_guard lock(mutex_);
    status_.busy_since.reset();
    status_.called_since.reset();
}

void SinkActivity::failed(const std::string& reason, TimePoint now) {
    const std::lock_guard lock(mutex_);
    status_.failing_since = status_.failing_since.value_or(now);
    status_.called_since.reset();
    status_.reason = reason;
    ++status_.failed_calls;
    ++failures_and_ends_;
}

void SinkActivity::retried(TimePoint now) {
    const std::lock_guard lock(mutex_);
    status_.called_since = now;
    ++status_.retries;
}

void SinkActivity::worked(TimePoint now) {
    const std::lock_guard lock(mutex_);
    status_.called_since = now;
    failures_and_ends_ += status_.failing_since ? 1U : 0U;
    status_.failing_since.reset();
    status_.reason.clear();
}

void SinkActivity::buried(std::size_t dead_letters) {
    const std::lock_guard lock(mutex_);
    status_.dead_letters += dead_letters;
}

SinkStatus SinkActivity::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

}  // namespace blocky
