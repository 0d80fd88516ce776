// Admission in the order of the protocol, the close policy, and the bookkeeping of who is held.
#include "consumer/batcher.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "common/invariant.hpp"
#include "consumer/prompt_replies.hpp"

namespace blocky {
namespace {

using std::chrono::milliseconds;

// An envelope is small and not counted, unless a client makes it large to fill the memory.
constexpr std::size_t kFreeEnvelopeBytes = 256;
// What a second bundle that waits for the same message counts for.
constexpr std::size_t kShareBytes = 64;
// Replies in a bundle are small and not counted, unless a client makes many to fill the memory.
constexpr std::size_t kFreeKeptBytes = 4096;
// How many messages ahead complete() fetches what it needs: about as many as a processor waits for
// at a time.
constexpr std::size_t kLookAhead = 12;

std::size_t envelope_charge(const Claim& claim) {
    const auto bytes = claim.envelope.bytes();
    return bytes > kFreeEnvelopeBytes ? bytes : 0;
}

}  // namespace

Batcher::Batcher(const BatcherOptions& options, const IdTable::Secret& secret, TimePoint start)
    : options_(options),
      ids_(options.dedup_window, secret),
      timer_(options.interval, options.linger, start) {}

std::optional<IdHash> Batcher::expect(const PushRequest& request) const {
    if (request.id.empty()) {
        return std::nullopt;
    }
    const auto id = ids_.hash(request.id);
    ids_.expect(id);
    return id;
}

std::optional<Reply> Batcher::admit(const Arrival& arrival, Claim& claim, TimePoint now) {
    const auto& request = arrival.request;
    std::optional<IdHash> id = arrival.id;
    if (!request.id.empty()) {
        id = id ? id : ids_.hash(request.id);
        if (const auto known = ids_.find(*id)) {
            if (known->committed || options_.answer_on_receipt) {
                return duplicate_reply(request);
            }
            return take_over(arrival, known->held_as, claim, now);
        }
    }
    if (auto reply = refuse(arrival, claim, now)) {
        return reply;
    }
    if (options_.answer_on_receipt) {
        hold(arrival, {}, id, now);
        Reply ok;
        ok.id = request.id;
        return ok;
    }
    hold(arrival, std::move(claim), id, now);
    return std::nullopt;
}

std::optional<Reply> Batcher::refuse(const Arrival& arrival, const Claim& claim,
                                     TimePoint now) const {
    if (draining_) {
        return error_reply(arrival.request, ErrorCode::kShuttingDown,
                           "this consumer is shutting down");
    }
    const auto bytes = arrival.bytes + envelope_charge(claim);
    // A batch in line counts for one message at least: those of which all has expired are in it
    // for their numbers.
    if (std::max(held_, std::uint64_t{closed_.size()}) >= options_.max_held ||
        held_bytes_ + bytes > options_.max_held_bytes) {
        return busy(arrival.request, kAllIsHeld, now);
    }
    if (has_its_share(arrival.connection, bytes) ||
        (held_ >= options_.max_held_per_producer &&
         roster_.holding(arrival.connection).messages >= options_.max_held_per_producer)) {
        return busy(arrival.request, kShareIsHeld, now);
    }
    return std::nullopt;
}

// Whether so many bytes more would be too many for one producer. It holds no more than all do, so
// mostly nothing need be looked up.
bool Batcher::has_its_share(std::string_view connection, std::size_t more_bytes) const {
    const auto most = options_.max_held_bytes_per_producer;
    return held_bytes_ + more_bytes > most && roster_.holding(connection).bytes + more_bytes > most;
}

Reply Batcher::busy(const PushRequest& request, std::string_view why, TimePoint now) const {
    const auto due = timer_.due_at();
    return busy_reply(request, why, due ? std::optional(*due - now) : std::nullopt);
}

// The newest sender gets the reply. Whoever sent the message alone before has given up waiting; a
// bundle still waits for its one reply, unless its connection has ended. Only what takes memory of
// its own, such an older bundle or a large envelope, can be refused for want of room.
std::optional<Reply> Batcher::take_over(const Arrival& arrival, std::uint64_t number, Claim& claim,
                                        TimePoint now) {
    const auto place = find(number);
    invariant(place.has_value(), "a held id belongs to a message that is held");
    auto& waiter = place->waiter();
    auto& older = waiter.claim;
    const bool twice = claim.bundle && older.bundle == claim.bundle;
    const bool older_waits = older.bundle && roster_.is_live(older.connection());
    const auto bytes = waiter.bytes - envelope_charge(older) + envelope_charge(claim) +
                       (twice || older_waits ? kShareBytes : 0);
    if (const auto more = bytes - std::min(bytes, waiter.bytes); more > 0) {
        if (held_bytes_ + more > options_.max_held_bytes) {
            return busy(arrival.request, kAllIsHeld, now);
        }
        if (has_its_share(arrival.connection, more)) {
            return busy(arrival.request, kShareIsHeld, now);
        }
    }
    latest_held_ = number;
    held_bytes_ = held_bytes_ - waiter.bytes + bytes;
    if (twice) {
        Roster::charge(waiter.holder, bytes - waiter.bytes);
        waiter.bytes = bytes;
        shares_[number].push_back({0, std::move(claim), true});
        return std::nullopt;
    }
    const bool in_open_batch = &place->held == &open_;
    if (in_open_batch) {
        roster_.leave(waiter.holder);
    }
    if (older_waits) {
        shares_[number].push_back({0, std::move(older), false});
    }
    older = std::move(claim);
    roster_.release(waiter.holder, waiter.bytes);
    waiter.bytes = bytes;
    waiter.holder = meet(arrival, older.connection(), bytes, in_open_batch);
    close_if_full(now);
    return std::nullopt;
}

// Enters a sender in the roster, from which it is struck again at once if it is no longer there.
Roster::Holder Batcher::meet(const Arrival& arrival, std::string_view connection, std::size_t bytes,
                             bool in_open_batch) {
    auto* const holder = in_open_batch ? roster_.enter(connection, arrival.request.producer)
                                       : roster_.note(connection, arrival.request.producer);
    Roster::charge(holder, bytes);
    if (!arrival.live) {
        roster_.forget(connection);
    }
    return holder;
}

void Batcher::begin_bundle(std::vector<Arrival>& members, TimePoint now) {
    in_bundle_ = true;
    for (auto& member : members) {
        member.id = expect(member.request);
    }
    std::size_t items = 0;
    std::size_t bytes = 0;
    const auto count = [&](const auto& counts) {
        items = 0;
        bytes = 0;
        for (const auto& member : members) {
            if (counts(member)) {
                ++items;
                bytes += member.bytes;
            }
        }
    };
    const auto fits = [&](std::size_t has_items, std::size_t has_bytes) {
        return has_items + items <= options_.max_items && has_bytes + bytes <= options_.max_bytes;
    };
    count([](const Arrival& /*any*/) { return true; });
    if (open_.empty() || fits(open_.size(), open_.batch->bytes)) {
        return;
    }
    // Those that are known already need no room.
    count([this](const Arrival& member) { return !member.id || !ids_.find(*member.id); });
    if (!fits(open_.size(), open_.batch->bytes) && fits(0, 0)) {
        const bool too_many = open_.size() + items > options_.max_items;
        close(too_many ? Trigger::kItems : Trigger::kBytes, now);
    }
}

void Batcher::end_bundle(TimePoint now, std::size_t kept_bytes) {
    in_bundle_ = false;
    if (kept_bytes > kFreeKeptBytes) {
        const auto place = find(latest_held_);
        invariant(place.has_value(), "a bundle that is held waits for a message that is held");
        place->waiter().bytes += kept_bytes;
        Roster::charge(place->waiter().holder, kept_bytes);
        held_bytes_ += kept_bytes;
    }
    close_if_full(now);
}

void Batcher::hold(const Arrival& arrival, Claim&& claim, std::optional<IdHash> id, TimePoint now) {
    const auto& request = arrival.request;
    invariant(arrival.bytes <= options_.max_bytes, "a message fits a batch");
    if (open_.batch->bytes + arrival.bytes > options_.max_bytes) {
        close(Trigger::kBytes, now);
    }
    ++accepted_;
    if (id) {
        ids_.hold(*id, accepted_);
    }
    if (open_.empty()) {
        timer_.batch_opened(now);
    }
    latest_held_ = accepted_;
    const auto bytes = arrival.bytes + envelope_charge(claim);
    auto* const holder = meet(arrival, arrival.connection, bytes, true);
    open_.batch->add(accepted_, request.producer, request.id, request.value, now);
    open_.batch->bytes += arrival.bytes;
    open_.waiters.push_back({std::move(claim), now, id, holder, bytes, arrival.bytes});
    ++held_;
    held_bytes_ += bytes;
    if (request.deadline > milliseconds::zero() && !options_.answer_on_receipt) {
        expiry_.add(now + request.deadline, accepted_);
    }
    close_if_full(now);
}

// All but the timer: what a batch that has a message more, or waits for a producer less, closes on.
void Batcher::close_if_full(TimePoint now) {
    if (open_.size() >= options_.max_items) {
        close(Trigger::kItems, now);
    } else if (open_.batch->bytes == options_.max_bytes) {
        close(Trigger::kBytes, now);
    } else if (options_.barrier && !in_bundle_ && roster_.is_full(*options_.barrier)) {
        close(Trigger::kBarrier, now);
    }
}

void Batcher::forget_connection(std::string_view connection, TimePoint now) {
    roster_.forget(connection);
    close_if_full(now);
}

// Numbers rise from message to message and from batch to batch.
std::optional<Batcher::Place> Batcher::find(std::uint64_t number) {
    const auto in = [number](HeldBatch& held) -> std::optional<Place> {
        const auto index = held.find(number);
        return index ? std::optional(Place{held, *index}) : std::nullopt;
    };
    if (!open_.waiters.empty() && number >= open_.batch->messages.front().number) {
        return in(open_);
    }
    const auto behind = std::ranges::upper_bound(closed_, number, {}, &HeldBatch::first);
    if (behind != closed_.begin()) {
        return in(*std::prev(behind));
    }
    return in_flight_ ? in(*in_flight_) : std::nullopt;
}

void Batcher::expect_to_commit(const HeldBatch& done, std::size_t index) const {
    if (index < done.waiters.size() && done.waiters[index].id) {
        ids_.expect(*done.waiters[index].id);
        ids_.expect_forgetting(kLookAhead);
    }
}

void Batcher::unhold(const Waiter& waiter) {
    --held_;
    held_bytes_ -= waiter.bytes;
    roster_.release(waiter.holder, waiter.bytes);
}

std::vector<Released> Batcher::take_expired(TimePoint now) {
    std::vector<Released> released;
    while (const auto number = expiry_.take(now)) {
        const auto place = find(*number);
        const bool waits =
            place && !place->waiter().gone && (!in_flight_ || &place->held != &*in_flight_);
        if (waits) {
            expire(*place, released);
        }
    }
    expiry_.tidy(held_, [this](std::uint64_t number) { return find(number).has_value(); });
    return released;
}

void Batcher::expire(const Place& place, std::vector<Released>& released) {
    const auto& [held, index] = place;
    auto& waiter = place.waiter();
    const auto& message = held.batch->messages[index];
    if (waiter.id) {
        ids_.forget(*waiter.id);
    }
    waiter.gone = true;
    ++held.gone;
    held.gone_bytes += waiter.message_bytes;
    held.batch->bytes -= waiter.message_bytes;
    if (&held == &open_) {
        roster_.leave(waiter.holder);
        if (open_.empty()) {
            timer_.batch_closed();
        }
    }
    unhold(waiter);
    std::vector<Share> shares;
    take_shares(message.number, index, shares);
    const std::string id(message.id);
    released.push_back({std::move(waiter.claim), id});
    for (auto& share : shares) {
        released.push_back({std::move(share.claim), id});
    }
    held.drop_gone_if_worth_it();
}

void Batcher::take_shares(std::uint64_t number, std::size_t index, std::vector<Share>& shares) {
    const auto found = shares_.find(number);
    if (found == shares_.end()) {
        return;
    }
    for (auto& share : found->second) {
        share.index = index;
        shares.push_back(std::move(share));
    }
    shares_.erase(found);
}

void Batcher::close(Trigger trigger, TimePoint now) {
    auto& batch = *open_.batch;
    batch.number = ++batches_;
    batch.trigger = trigger;
    batch.closed_at = now;
    batch.producers = roster_.present();
    if (options_.barrier && trigger == Trigger::kTimer) {
        batch.attendance = roster_.attendance(*options_.barrier);
    }
    const auto size = open_.waiters.size();
    open_.first = size == 0 ? accepted_ + 1 : batch.messages.front().number;
    closed_.push_back(std::exchange(open_, {}));
    open_.reserve(size);  // batches are mostly like the one before them
    roster_.turn_page();
    timer_.batch_closed();
}

// Only asked while nothing is in flight or in line: a timer that fires earlier stays pending, and
// several ticks are one.
void Batcher::close_if_due(TimePoint now) {
    if (draining_) {
        if (!open_.empty()) {
            close(Trigger::kDrain, now);
        }
    } else if (timer_.is_due(now)) {
        // What the timer had to wait for the sink is not its own lateness.
        open_.batch->lateness = now - std::max(*timer_.due_at(), sink_free_since_);
        timer_.fired(now);
        close(Trigger::kTimer, now);
    }
}

std::shared_ptr<const Batch> Batcher::take_due(TimePoint now) {
    if (in_flight_) {
        return nullptr;
    }
    if (std::exchange(sink_was_freed_, false)) {
        sink_free_since_ = now;
    }
    if (closed_.empty()) {
        close_if_due(now);
    }
    if (closed_.empty()) {
        return nullptr;
    }
    auto next = std::move(closed_.front());
    closed_.pop_front();
    next.drop_gone();
    if (next.empty()) {
        next.batch->producers = 0;
    }
    auto batch = next.batch;
    if (!next.empty()) {
        in_flight_ = std::move(next);
    }
    return batch;
}

std::optional<TimePoint> Batcher::deadline() const {
    const auto expiry = expiry_.next();
    const auto timer = in_flight_ || draining_ ? std::nullopt : timer_.due_at();
    return expiry && timer ? std::min(expiry, timer) : expiry ? expiry : timer;
}

HeldBatch Batcher::complete(const std::vector<Verdict>& verdicts) {
    invariant(in_flight_.has_value(), "only a batch in flight is completed");
    auto done = std::move(*in_flight_);
    in_flight_.reset();
    sink_was_freed_ = true;
    invariant(verdicts.size() == done.waiters.size(), "every message has a verdict");
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        const auto& waiter = done.waiters[i];
        expect_to_commit(done, i + kLookAhead);
        unhold(waiter);
        if (!shares_.empty()) {
            take_shares(done.batch->messages[i].number, i, done.shares);
        }
        if (!waiter.id) {
            continue;
        }
        if (verdicts[i].processed()) {
            ids_.commit(*waiter.id);
        } else {
            ids_.forget(*waiter.id);
        }
    }
    return done;
}

void Batcher::drain() {
    draining_ = true;
}

std::vector<HeldBatch> Batcher::abandon(TimePoint now) {
    std::vector<HeldBatch> abandoned;
    if (in_flight_) {
        abandoned.push_back(std::move(*in_flight_));
        in_flight_.reset();
    }
    if (!open_.empty()) {
        close(Trigger::kDrain, now);
    }
    std::ranges::move(closed_, std::back_inserter(abandoned));
    closed_.clear();
    for (auto& held : abandoned) {
        held.drop_gone();
        for (std::size_t i = 0; i < held.waiters.size(); ++i) {
            const auto& waiter = held.waiters[i];
            unhold(waiter);
            take_shares(held.batch->messages[i].number, i, held.shares);
            if (waiter.id) {
                ids_.forget(*waiter.id);
            }
        }
    }
    return abandoned;
}

}  // namespace blocky
