// The heart of Blocky, a state machine free of sockets, threads and clocks: it admits messages,
// holds whoever sent them, closes batches at the right moment, and says who is to be released when
// a batch has been processed. Every call takes the time; the same calls give the same answers.
// Touched by the router's thread only.
//
//   admit → open batch → (timer, items, bytes, drain) → closed, in line → in flight → complete
//
// One batch is in flight at a time; while it is, the next one fills.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "common/clock.hpp"
#include "common/protocol.hpp"
#include "consumer/batch.hpp"
#include "consumer/envelope.hpp"
#include "consumer/id_table.hpp"

namespace blocky {

struct BatcherOptions {
    Duration interval = std::chrono::seconds(1);  // between ticks; over 0
    std::uint64_t max_items = 10'000;             // a batch with so many closes
    std::uint64_t max_bytes = 16U << 20U;         // no batch has more bytes of bodies than this
    std::uint64_t max_held = 100'000;             // accepted and not answered; over it: busy
    std::uint64_t max_held_bytes = 256U << 20U;   // the same in bytes
    std::size_t dedup_window = 1'000'000;         // ids of processed messages remembered
    bool answer_on_receipt = false;               // --reply immediate
};

// Who is held for a message.
struct Waiter {
    Envelope envelope;
    TimePoint arrival;
    std::optional<IdHash> id;
    std::size_t bytes = 0;  // that its message counts for in --max-held-bytes
};

// A batch and who is held for each of its messages, in the same order. The batch is shared with
// the worker, and immutable.
struct HeldBatch {
    std::shared_ptr<const Batch> batch;
    std::vector<Waiter> waiters;
};

class Batcher {
public:
    // The first tick is due at `start`, the n-th n−1 intervals later.
    Batcher(const BatcherOptions& options, const IdTable::Secret& secret, TimePoint start);

    // Takes a message whose body had `body_bytes` (at most max_bytes). Returns the reply that is
    // due at once, with views into `request`; or nothing: then the sender is held and `envelope`
    // has been taken.
    std::optional<Reply> admit(const PushRequest& request, std::size_t body_bytes,
                               Envelope& envelope, TimePoint now);

    // The next batch to process, or null when none is due or one is in flight. An empty batch is
    // over with this call; any other is in flight until complete().
    std::shared_ptr<const Batch> take_due(TimePoint now);

    // When take_due() can next return something, if nothing else happens before.
    std::optional<TimePoint> deadline() const;

    // The batch in flight is over, with a verdict for each message. Returns who is to be answered.
    HeldBatch complete(const std::vector<Verdict>& verdicts);

    // From now on new messages are refused, and what is open closes as soon as it can.
    void drain();
    // Nothing is held: all that was accepted has been answered.
    bool idle() const { return held_ == 0; }
    // Forgets all that is held, in flight or not, and returns it: it will never be processed.
    std::vector<HeldBatch> abandon(TimePoint now);

    std::uint64_t held() const { return held_; }

private:
    struct OpenBatch {
        std::vector<Message> messages;
        std::vector<Waiter> waiters;
        std::uint64_t bytes = 0;
    };

    std::optional<Reply> take_over(const PushRequest& request, std::uint64_t number,
                                   Envelope& envelope, TimePoint now);
    Reply busy(const PushRequest& request, TimePoint now) const;
    void add(const PushRequest& request, std::size_t body_bytes, Envelope&& envelope,
             std::optional<IdHash> id, TimePoint now);
    Waiter& waiter_of(std::uint64_t number);
    void close(Trigger trigger, TimePoint now);
    void close_if_due(TimePoint now);

    BatcherOptions options_;
    IdTable ids_;
    TimePoint next_tick_;
    OpenBatch open_;
    std::deque<HeldBatch> closed_;  // in line for the sink
    std::optional<HeldBatch> in_flight_;
    std::uint64_t batches_ = 0;   // closed so far, the empty ones included
    std::uint64_t accepted_ = 0;  // messages so far; the number of the latest
    std::uint64_t held_ = 0;
    std::uint64_t held_bytes_ = 0;
    bool draining_ = false;
};

}  // namespace blocky
