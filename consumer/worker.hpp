// The thread that owns the sink, so that the router keeps receiving while a slow one works. One
// batch at a time goes in, its verdicts come out; what it takes to get them from the sink is the
// settler's.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "common/clock.hpp"
#include "common/event_descriptor.hpp"
#include "consumer/batch.hpp"
#include "consumer/dead_letter.hpp"
#include "consumer/settler.hpp"
#include "consumer/sink.hpp"

namespace blocky {

// What became of a batch.
struct Processed {
    std::vector<Verdict> verdicts;  // one per message
    Summary summary;
    Duration took{0};  // retries included
};

// Constructed, used and destroyed by the router's thread. The sink, the dead-letter file and who
// looks on, both of which may be nullptr, must outlive it.
class Worker {
public:
    Worker(Sink& sink, RetryPolicy policy, DeadLetter* dead_letter = nullptr,
           SinkActivity* activity = nullptr);
    // Waits for the call to the sink that is under way, if any; retries end at once.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // The previous batch's result must have been taken. Never blocks.
    void submit(std::shared_ptr<const Batch> batch);

    // Whether process_inline() is to be called in place of submit(). Not with a dead-letter file:
    // to write to it may block, and is tried again for as long as the disk is full.
    bool is_inline() const { return sink_.is_inline() && dead_letter_ == nullptr; }

    // Processes the batch in the caller's thread. Nothing may be in flight.
    Processed process_inline(const Batch& batch) { return process(batch, {}); }

    // Readable while a result waits to be taken.
    int descriptor() const { return wake_up_.get(); }
    std::optional<Processed> take_result();

private:
    void run(const std::stop_token& stop);
    Processed process(const Batch& batch, const std::stop_token& stop);
    bool wait(Duration delay, const std::stop_token& stop);

    Sink& sink_;
    DeadLetter* dead_letter_;
    Settler settler_;  // the processing thread only
    EventDescriptor wake_up_;

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::shared_ptr<const Batch> inbox_;  // guarded by mutex_
    std::optional<Processed> outbox_;     // guarded by mutex_

    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace blocky
