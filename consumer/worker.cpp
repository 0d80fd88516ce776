// One batch in, verdicts out.
#include "consumer/worker.hpp"

#include <utility>

#include "common/invariant.hpp"

namespace blocky {

Worker::Worker(Sink& sink, RetryPolicy policy, DeadLetter* dead_letter, SinkActivity* activity)
    : sink_(sink),
      dead_letter_(dead_letter),
      settler_(sink, policy, dead_letter, activity),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Worker::~Worker() {
    thread_.request_stop();
    thread_.join();
}

void Worker::submit(std::shared_ptr<const Batch> batch) {
    {
        const std::lock_guard lock(mutex_);
        invariant(inbox_ == nullptr && !outbox_, "one batch is in flight");
        inbox_ = std::move(batch);
    }
    changed_.notify_one();
}

std::optional<Processed> Worker::take_result() {
    const std::lock_guard lock(mutex_);
    if (outbox_) {
        wake_up_.lower();
    }
    return std::exchange(outbox_, std::nullopt);
}

void Worker::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return inbox_ != nullptr; })) {
        auto batch = std::exchange(inbox_, nullptr);
        lock.unlock();
        auto processed = process(*batch, stop);
        batch.reset();
        lock.lock();
        outbox_ = std::move(processed);
        wake_up_.raise();
    }
}

Processed Worker::process(const Batch& batch, const std::stop_token& stop) {
    const auto start = Clock::now();
    auto verdicts =
        settler_.settle(batch, [this, &stop](Duration delay) { return wait(delay, stop); });
    auto summary = sink_.summarize(batch, verdicts);
    return {std::move(verdicts), std::move(summary), Clock::now() - start};
}

// False when the program is to stop, which ends the retries.
bool Worker::wait(Duration delay, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, delay, [] { return false; });
    return !stop.stop_requested();
}

}  // namespace blocky
