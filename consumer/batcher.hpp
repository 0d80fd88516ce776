// The heart of Blocky, a state machine free of sockets, threads and clocks: it admits messages,
// holds whoever sent them, closes batches at the right moment, and says who is to be released when
// a batch has been processed. Every call takes the time; the same calls give the same answers.
// Touched by the router's thread only.
//
//   admit → open batch → (timer, items, bytes, barrier, drain) → closed, in line → in flight
//         → complete
//
// One batch is in flight at a time; while it is, the next one fills.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/clock.hpp"
#include "common/protocol.hpp"
#include "consumer/batch.hpp"
#include "consumer/bundle.hpp"
#include "consumer/close_timer.hpp"
#include "consumer/expiry.hpp"
#include "consumer/held_batch.hpp"
#include "consumer/id_table.hpp"
#include "consumer/roster.hpp"

namespace blocky {

struct BatcherOptions {
    Duration interval = std::chrono::seconds(1);   // between ticks; over 0
    std::optional<Duration> linger;                // instead of ticks: from the first message on
    std::optional<std::uint64_t> barrier;          // close when all live, and so many, are in
    std::uint64_t max_items = 10'000;              // a batch with so many closes
    std::uint64_t max_bytes = 16U << 20U;          // no batch has more bytes of bodies than this
    std::uint64_t max_held = 100'000;              // accepted and not answered; over it: busy
    std::uint64_t max_held_bytes = 256U << 20U;    // the same in bytes
    std::uint64_t max_held_per_producer = 50'000;  // of them, from one connection
    std::uint64_t max_held_bytes_per_producer = 128U << 20U;  // the same in bytes
    std::size_t dedup_window = 1'000'000;  // ids of processed messages remembered
    bool answer_on_receipt = false;        // --reply immediate
};

class Batcher {
public:
    // The first tick is due at `start`, the n-th n−1 intervals later.
    Batcher(const BatcherOptions& options, const IdTable::Secret& secret, TimePoint start);

    // A message that counts for so many bytes (at most max_bytes).
    struct Arrival {
        const PushRequest& request;
        std::size_t bytes;
        std::string_view connection;
        bool live = true;               // the connection has not ended
        std::optional<IdHash> id = {};  // as expect() gave it; nothing: computed when it is needed
    };

    // The message will be admitted soon: looks up in advance what that takes. Many at a time, and
    // the memory that their ids are remembered in is waited for once, not once for each.
    std::optional<IdHash> expect(const PushRequest& request) const;

    // Returns the reply that is due at once, with views into the request; or nothing: then whoever
    // sent it is held and `claim` has been taken.
    std::optional<Reply> admit(const Arrival& arrival, Claim& claim, TimePoint now);

    // The members of a bundle come next, and end with end_bundle(): they stay together if they fit
    // into one batch, for which the open one is closed if need be.
    void begin_bundle(std::vector<Arrival>& members, TimePoint now);
    // `kept_bytes`: what the bundle keeps of replies to other members while it is held; they count.
    void end_bundle(TimePoint now, std::size_t kept_bytes = 0);

    // A connection has ended: nobody waits for it any more.
    void forget_connection(std::string_view connection, TimePoint now);

    // Messages that have not gone to the sink by their deadlines, and never will.
    std::vector<Released> take_expired(TimePoint now);

    // The next batch to process, or null when none is due or one is in flight. An empty batch is
    // over with this call; any other is in flight until complete().
    std::shared_ptr<const Batch> take_due(TimePoint now);

    // When take_due() or take_expired() can next return something, if nothing happens before.
    std::optional<TimePoint> deadline() const;

    // The batch in flight is over, with a verdict for each message. Returns who is to be answered.
    HeldBatch complete(const std::vector<Verdict>& verdicts);

    // From now on new messages are refused, and what is open closes as soon as it can.
    void drain();
    // Nothing is held: all that was accepted has been answered.
    bool idle() const { return held_ == 0; }
    // Forgets all that is held, in flight or not, and returns it: it will never be processed.
    std::vector<HeldBatch> abandon(TimePoint now);

    // For whoever looks in.
    std::uint64_t held() const { return held_; }
    std::uint64_t held_bytes() const { return held_bytes_; }
    const HeldBatch& open() const { return open_; }
    const HeldBatch* in_flight() const { return in_flight_ ? &*in_flight_ : nullptr; }
    std::size_t in_line() const { return closed_.size(); }
    // When the timer closes the open batch; nothing if it does not.
    std::optional<TimePoint> timer_due_at() const { return timer_.due_at(); }
    const Roster& roster() const { return roster_; }

private:
    // Where a held message is.
    struct Place {
        HeldBatch& held;
        std::size_t index;
        Waiter& waiter() const { return held.waiters[index]; }
    };

    std::optional<Reply> refuse(const Arrival& arrival, const Claim& claim, TimePoint now) const;
    bool has_its_share(std::string_view connection, std::size_t more_bytes) const;
    std::optional<Reply> take_over(const Arrival& arrival, std::uint64_t number, Claim& claim,
                                   TimePoint now);
    Reply busy(const PushRequest& request, std::string_view why, TimePoint now) const;
    void hold(const Arrival& arrival, Claim&& claim, std::optional<IdHash> id, TimePoint now);
    Roster::Holder meet(const Arrival& arrival, std::string_view connection, std::size_t bytes,
                        bool in_open_batch);
    std::optional<Place> find(std::uint64_t number);
    void unhold(const Waiter& waiter);
    void expect_to_commit(const HeldBatch& done, std::size_t index) const;
    void expire(const Place& place, std::vector<Released>& released);
    void take_shares(std::uint64_t number, std::size_t index, std::vector<Share>& shares);
    void close(Trigger trigger, TimePoint now);
    void close_if_full(TimePoint now);
    void close_if_due(TimePoint now);

    BatcherOptions options_;
    IdTable ids_;
    Roster roster_;
    Expiry expiry_;
    CloseTimer timer_;
    HeldBatch open_;
    std::deque<HeldBatch> closed_;  // in line for the sink
    std::optional<HeldBatch> in_flight_;
    std::unordered_map<std::uint64_t, std::vector<Share>> shares_;  // by message number
    std::uint64_t batches_ = 0;   // closed so far, the empty ones included
    std::uint64_t accepted_ = 0;  // messages so far; the number of the latest
    std::uint64_t held_ = 0;
    std::uint64_t held_bytes_ = 0;
    bool sink_was_freed_ = false;  // since the latest take_due()
    TimePoint sink_free_since_ = TimePoint::min();
    bool draining_ = false;
    bool in_bundle_ = false;         // more members of a bundle are to come
    std::uint64_t latest_held_ = 0;  // the message that somebody was held for last
};

}  // namespace blocky
