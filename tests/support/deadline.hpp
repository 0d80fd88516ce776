// Waiting for what must happen, never for time to pass: each wait ends as soon as it has happened,
// and fails the test when it has not by a deadline that nobody reaches unless something is broken.
#pragma once

#include <poll.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>

#include <doctest/doctest.h>

namespace blocky::test {

inline constexpr std::chrono::seconds kDeadline{20};

// Whether the descriptor is readable, now or before the time is over.
inline bool readable(int descriptor, std::chrono::milliseconds wait = kDeadline) {
    pollfd item{descriptor, POLLIN, 0};
    return poll(&item, 1, static_cast<int>(wait.count())) == 1 && (item.revents & POLLIN) != 0;
}

inline bool readable_now(int descriptor) {
    return readable(descriptor, std::chrono::milliseconds(0));
}

// The value of a future that must be ready before the deadline.
template <typename Value>
Value get(std::future<Value>& future) {
    REQUIRE(future.wait_for(kDeadline) == std::future_status::ready);
    return future.get();
}

// Counts something up in one thread while another waits for it.
class Counter {
public:
    // The count after this step.
    int step() {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
        return count_;
    }
    // False when it has not come so far by the deadline.
    bool wait_for(int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kDeadline, [&] { return count_ >= count; });
    }
    int count() {
        const std::lock_guard lock(mutex_);
        return count_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

// Holds threads up until it is opened, once and for good.
class Gate {
public:
    ~Gate() { open(); }
    void open() { opened_.step(); }
    bool wait() { return opened_.wait_for(1); }

private:
    Counter opened_;
};

}  // namespace blocky::test
