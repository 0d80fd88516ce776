// One batch in, verdicts out.
#include "consumer/worker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <iterator>
#include <random>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "common/invariant.hpp"

namespace blocky {
namespace {

int make_event_descriptor() {
    const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    return descriptor;
}

Batch part_of(const Batch& batch, std::size_t begin, std::size_t end) {
    Batch part;  // its texts stay the whole batch's
    part.number = batch.number;
    part.trigger = batch.trigger;
    part.closed_at = batch.closed_at;
    part.producers = batch.producers;
    const auto first = batch.messages.begin();
    part.messages.assign(std::next(first, static_cast<std::ptrdiff_t>(begin)),
                         std::next(first, static_cast<std::ptrdiff_t>(end)));
    return part;
}

}  // namespace

Worker::Worker(Sink& sink, RetryPolicy policy)
    : sink_(sink),
      policy_(policy),
      wake_up_(make_event_descriptor()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Worker::~Worker() {
    thread_.request_stop();
    thread_.join();
    close(wake_up_);
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
        std::uint64_t ignored = 0;
        [[maybe_unused]] const auto got = read(wake_up_, &ignored, sizeof ignored);
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
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = write(wake_up_, &one, sizeof one);
    }
}

Processed Worker::process(const Batch& batch, const std::stop_token& stop) {
    const auto start = Clock::now();
    give_up_at_.reset();
    if (policy_.give_up_after) {
        give_up_at_ = start + *policy_.give_up_after;
    }
    auto verdicts = settle(batch, stop);
    auto summary = sink_.summarize(batch, verdicts);
    return {std::move(verdicts), std::move(summary), Clock::now() - start};
}

std::vector<Verdict> Worker::settle(const Batch& batch, const std::stop_token& stop) {
    auto result = try_until_settled(batch, stop);
    if (result) {
        return std::move(*result);
    }
    const auto& failure = result.error();
    if (failure.kind == SinkFailure::Kind::kTransient) {
        return std::vector<Verdict>(batch.messages.size(),
                                    {Verdict::Kind::kFailed, failure.reason});
    }
    if (batch.messages.size() == 1) {
        return {{Verdict::Kind::kRejected, failure.reason}};
    }
    return settle_halves(batch, stop);
}

std::vector<Verdict> Worker::settle_halves(const Batch& batch, const std::stop_token& stop) {
    const auto size = batch.messages.size();
    auto verdicts = settle(part_of(batch, 0, size / 2), stop);
    std::ranges::move(settle(part_of(batch, size / 2, size), stop), std::back_inserter(verdicts));
    return verdicts;
}

// Verdicts, a permanent failure, or a transient one that has lasted too long.
BatchResult Worker::try_until_settled(const Batch& batch, const std::stop_token& stop) {
    std::optional<Backoff> backoff;  // most batches need none, and its seed is not for nothing
    while (true) {
        auto result = try_once(batch);
        if (result || result.error().kind == SinkFailure::Kind::kPermanent) {
            note_success();
            return result;
        }
        if (!backoff) {
            backoff.emplace(policy_.first_delay, policy_.longest_delay, std::random_device{}());
        }
        note_failure(result.error().reason);
        auto delay = backoff->next();
        if (give_up_at_) {
            const auto left = *give_up_at_ - Clock::now();
            if (left <= Duration::zero()) {
                return result;
            }
            delay = std::min(delay, left);
        }
        if (!wait(delay, stop)) {
            return result;
        }
    }
}

BatchResult Worker::try_once(const Batch& batch) {
    try {
        auto result = sink_.process(batch);
        invariant(!result || result->size() == batch.messages.size(),
                  "a sink gives one verdict per message");
        return result;
    } catch (const std::exception& error) {
        // A sink that gave no verdict has failed, and may succeed later.
        return tl::make_unexpected(SinkFailure{SinkFailure::Kind::kTransient, error.what()});
    }
}

// False when the program is to stop, which ends the retries.
bool Worker::wait(Duration delay, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, delay, [] { return false; });
    return !stop.stop_requested();
}

// A sink that is down is said once, not once per try.
void Worker::note_failure(const std::string& reason) {
    if (!std::exchange(failing_, true)) {
        spdlog::warn("the sink fails, producers stay held while it is tried again: {}", reason);
    }
}

void Worker::note_success() {
    if (std::exchange(failing_, false)) {
        spdlog::info("the sink works again");
    }
}

}  // namespace blocky
