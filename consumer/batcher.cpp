// Admission in the order of the protocol, the close policy, and the bookkeeping of who is held.
#include "consumer/batcher.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "common/invariant.hpp"

namespace blocky {
namespace {

using std::chrono::milliseconds;

// An envelope is small and not counted, unless a client makes it large to fill the memory.
constexpr std::size_t kFreeEnvelopeBytes = 256;
constexpr milliseconds kLeastRetryAfter{10};
constexpr milliseconds kMostRetryAfter{1000};

std::size_t charge(std::size_t body_bytes, const Envelope& envelope) {
    return body_bytes + (envelope.bytes() > kFreeEnvelopeBytes ? envelope.bytes() : 0);
}

Reply duplicate(const PushRequest& request) {
    Reply reply;
    reply.id = request.id;
    reply.duplicate = true;
    return reply;
}

Reply error(const PushRequest& request, ErrorCode code, std::string_view message) {
    Reply reply;
    reply.ok = false;
    reply.id = request.id;
    reply.code = code;
    reply.message = message;
    return reply;
}

std::size_t count_connections(const std::vector<Waiter>& waiters) {
    std::unordered_set<std::string_view> connections;
    for (const auto& waiter : waiters) {
        connections.insert(waiter.envelope.connection());
    }
    return connections.size();
}

}  // namespace

Batcher::Batcher(const BatcherOptions& options, const IdTable::Secret& secret, TimePoint start)
    : options_(options), ids_(options.dedup_window, secret), next_tick_(start) {}

std::optional<Reply> Batcher::admit(const PushRequest& request, std::size_t body_bytes,
                                    Envelope& envelope, TimePoint now) {
    std::optional<IdHash> id;
    if (!request.id.empty()) {
        id = ids_.hash(request.id);
        if (const auto known = ids_.find(*id)) {
            if (known->committed || options_.answer_on_receipt) {
                return duplicate(request);
            }
            return take_over(request, known->held_as, envelope, now);
        }
    }
    if (draining_) {
        return error(request, ErrorCode::kShuttingDown, "this consumer is shutting down");
    }
    const auto bytes = charge(body_bytes, envelope);
    if (held_ >= options_.max_held || held_bytes_ + bytes > options_.max_held_bytes) {
        return busy(request, now);
    }
    if (options_.answer_on_receipt) {
        add(request, body_bytes, Envelope(envelope), id, now);
        Reply ok;
        ok.id = request.id;
        return ok;
    }
    add(request, body_bytes, std::move(envelope), id, now);
    return std::nullopt;
}

// The newest sender gets the reply; whoever sent it before has given up waiting. Only an envelope
// that is large enough to be counted can be refused for want of room.
std::optional<Reply> Batcher::take_over(const PushRequest& request, std::uint64_t number,
                                        Envelope& envelope, TimePoint now) {
    auto& waiter = waiter_of(number);
    const auto held_bytes = held_bytes_ - waiter.bytes;
    const auto bytes = waiter.bytes - charge(0, waiter.envelope) + charge(0, envelope);
    if (bytes > waiter.bytes && held_bytes + bytes > options_.max_held_bytes) {
        return busy(request, now);
    }
    held_bytes_ = held_bytes + bytes;
    waiter.bytes = bytes;
    waiter.envelope = std::move(envelope);
    return std::nullopt;
}

Reply Batcher::busy(const PushRequest& request, TimePoint now) const {
    auto reply = error(request, ErrorCode::kBusy,
                       "this consumer holds as many messages as it may (--max-held, "
                       "--max-held-bytes)");
    const auto to_next_tick = std::chrono::ceil<milliseconds>(next_tick_ - now);
    reply.retry_after = std::clamp(to_next_tick, kLeastRetryAfter, kMostRetryAfter);
    return reply;
}

void Batcher::add(const PushRequest& request, std::size_t body_bytes, Envelope&& envelope,
                  std::optional<IdHash> id, TimePoint now) {
    invariant(body_bytes <= options_.max_bytes, "a message fits a batch");
    if (open_.bytes + body_bytes > options_.max_bytes) {
        close(Trigger::kBytes, now);
    }
    const auto bytes = charge(body_bytes, envelope);
    ++accepted_;
    if (id) {
        ids_.hold(*id, accepted_);
    }
    open_.messages.emplace_back(accepted_, request.producer, request.id, request.value);
    open_.waiters.push_back({std::move(envelope), now, id, bytes});
    open_.bytes += body_bytes;
    ++held_;
    held_bytes_ += bytes;
    if (open_.messages.size() >= options_.max_items) {
        close(Trigger::kItems, now);
    } else if (open_.bytes == options_.max_bytes) {
        close(Trigger::kBytes, now);
    }
}

// Numbers rise by one from message to message, so a batch is found by its first one.
Waiter& Batcher::waiter_of(std::uint64_t number) {
    const auto place = [number](const auto& messages, auto& waiters) -> Waiter& {
        return waiters.at(number - messages.front().number());
    };
    if (!open_.messages.empty() && number >= open_.messages.front().number()) {
        return place(open_.messages, open_.waiters);
    }
    const auto after = std::ranges::upper_bound(closed_, number, {}, [](const HeldBatch& held) {
        return held.batch->messages.front().number();
    });
    auto& held = after == closed_.begin() ? *in_flight_ : *std::prev(after);
    return place(held.batch->messages, held.waiters);
}

void Batcher::close(Trigger trigger, TimePoint now) {
    auto open = std::exchange(open_, {});
    auto batch = std::make_shared<Batch>();
    batch->number = ++batches_;
    batch->trigger = trigger;
    batch->closed_at = now;
    batch->bytes = open.bytes;
    batch->producers = count_connections(open.waiters);
    batch->messages = std::move(open.messages);
    closed_.push_back({std::move(batch), std::move(open.waiters)});
}

// Only asked while nothing is in flight or in line: a tick that comes earlier stays pending, and
// several of them are one.
void Batcher::close_if_due(TimePoint now) {
    if (draining_) {
        if (!open_.messages.empty()) {
            close(Trigger::kDrain, now);
        }
    } else if (now >= next_tick_) {
        next_tick_ += options_.interval * (1 + (now - next_tick_) / options_.interval);
        close(Trigger::kTimer, now);
    }
}

std::shared_ptr<const Batch> Batcher::take_due(TimePoint now) {
    if (in_flight_) {
        return nullptr;
    }
    if (closed_.empty()) {
        close_if_due(now);
    }
    if (closed_.empty()) {
        return nullptr;
    }
    auto next = std::move(closed_.front());
    closed_.pop_front();
    auto batch = next.batch;
    if (!batch->messages.empty()) {
        in_flight_ = std::move(next);
    }
    return batch;
}

std::optional<TimePoint> Batcher::deadline() const {
    if (in_flight_ || draining_) {
        return std::nullopt;
    }
    return next_tick_;
}

HeldBatch Batcher::complete(const std::vector<Verdict>& verdicts) {
    invariant(in_flight_.has_value(), "only a batch in flight is completed");
    auto done = std::move(*in_flight_);
    in_flight_.reset();
    invariant(verdicts.size() == done.waiters.size(), "every message has a verdict");
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        const auto& waiter = done.waiters[i];
        --held_;
        held_bytes_ -= waiter.bytes;
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
    if (!open_.messages.empty()) {
        close(Trigger::kDrain, now);
    }
    std::ranges::move(closed_, std::back_inserter(abandoned));
    closed_.clear();
    for (const auto& held : abandoned) {
        for (const auto& waiter : held.waiters) {
            if (waiter.id) {
                ids_.forget(*waiter.id);
            }
        }
    }
    held_ = 0;
    held_bytes_ = 0;
    return abandoned;
}

}  // namespace blocky
