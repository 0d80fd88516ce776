// The thread that owns the sink, so that the router keeps receiving while a slow one works. One
// batch at a time goes in, its verdicts come out; retry and bisection happen here, for all sinks
// alike: a transient failure is tried again with backoff while the producers stay held, a permanent
// one is cut in halves until the message at fault stands alone.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/backoff.hpp"
#include "common/clock.hpp"
#include "consumer/batch.hpp"
#include "consumer/sink.hpp"

namespace blocky {

struct RetryPolicy {
    std::optional<Duration> give_up_after;  // of failing on one batch; nothing: never
    Duration first_delay = std::chrono::milliseconds(100);
    Duration longest_delay = std::chrono::seconds(5);
};

// What became of a batch.
struct Processed {
    std::vector<Verdict> verdicts;  // one per message
    Summary summary;
    Duration took{0};  // retries included
};

// Constructed, used and destroyed by the router's thread. The sink must outlive it.
class Worker {
public:
    Worker(Sink& sink, RetryPolicy policy);
    // Waits for the call to the sink that is under way, if any; retries end at once.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // The previous batch's result must have been taken. Never blocks.
    void submit(std::shared_ptr<const Batch> batch);

    // For a sink that is inline: processes the batch in the caller's thread. Nothing may be in
    // flight.
    Processed process_inline(const Batch& batch) { return process(batch, {}); }

    // Readable while a result waits to be taken.
    int descriptor() const { return wake_up_; }
    std::optional<Processed> take_result();

private:
    void run(const std::stop_token& stop);
    Processed process(const Batch& batch, const std::stop_token& stop);
    std::vector<Verdict> settle(const Batch& batch, const std::stop_token& stop);
    std::vector<Verdict> settle_halves(const Batch& batch, const std::stop_token& stop);
    BatchResult try_until_settled(const Batch& batch, const std::stop_token& stop);
    BatchResult try_once(const Batch& batch);
    bool wait(Duration delay, const std::stop_token& stop);
    void note_failure(const std::string& reason);
    void note_success();

    Sink& sink_;
    RetryPolicy policy_;
    int wake_up_;  // eventfd

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::shared_ptr<const Batch> inbox_;  // guarded by mutex_
    std::optional<Processed> outbox_;     // guarded by mutex_

    bool failing_ = false;                 // the worker's thread only
    std::optional<TimePoint> give_up_at_;  // of the batch being processed; the worker's thread only
    std::jthread thread_;                  // last: it uses all of the above
};

}  // namespace blocky
