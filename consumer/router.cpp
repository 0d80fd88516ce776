// One turn: read what has come, see who has gone, admit; take the worker's result, answer what has
// expired, dispatch what is due; wait.
#include "consumer/router.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

namespace blocky {
namespace {

// So many requests, and so many bytes, at most between two looks at the timer and the worker.
constexpr std::size_t kRequestsPerTurn = 1000;
constexpr std::size_t kBytesPerTurn = 256 * std::size_t{1024};
// At the end: when nothing has come for so long, all has been read; and what that takes at most.
constexpr int kQuietMs = 20;
constexpr auto kLastLook = std::chrono::milliseconds(250);
// So many requests are decoded before the first of them is admitted: Batcher::expect().
constexpr std::size_t kDecodedAhead = 16;

IdTable::Secret random_secret() {
    IdTable::Secret secret{};
    randombytes_buf(secret.data(), secret.size());
    return secret;
}

// What could never be held is refused as too large, whichever limit is the lowest. A bundle's body
// may be larger: its messages are held one by one.
std::uint64_t message_limit(const RouterOptions& options) {
    return std::min({options.batcher.max_bytes, options.batcher.max_held_bytes,
                     options.batcher.max_held_bytes_per_producer});
}

}  // namespace

Router::Router(zmq::context_t& context, const RouterOptions& options, Sink& sink, Worker& worker,
               BatchLog& log, StopSignal& stop)
    : options_(options),
      sink_(sink),
      worker_(worker),
      log_(log),
      stop_(stop),
      socket_(context, options.max_message_bytes,
              std::min(options.batcher.max_held, options.batcher.max_held_per_producer)),
      connections_(context, socket_.socket()),
      gate_(options.curve ? options.curve->authenticator : nullptr),
      decoder_(options.max_message_bytes),
      decoded_(kDecodedAhead) {
    socket_.protect_by({options_.curve, options_.ipc_mode});
    for (const auto& endpoint : options_.bind) {
        const auto passed = std::ranges::find(options_.passed, endpoint, &PassedSocket::endpoint);
        endpoints_.push_back(socket_.bind(endpoint, passed == options_.passed.end()
                                                        ? std::nullopt
                                                        : std::optional(passed->descriptor)));
    }
}

bool Router::run() {
    now_ = Clock::now();
    Batcher batcher(options_.batcher, random_secret(), now_);
    // The first tick comes before the first message, so that its batch is always the empty one.
    dispatch(batcher);
    follow_shutdown(batcher);
    while (state_ == State::kServing || state_ == State::kDraining) {
        turn(batcher);
        if (state_ == State::kServing || state_ == State::kDraining) {
            wait(batcher);
        }
    }
    answer_the_rest(batcher);
    if (reporter_ != nullptr) {
        reporter_->put_up(standing(batcher), now_);
    }
    notify();
    return state_ == State::kDone;
}

// Who had sent before the end is told, too, rather than left waiting: what waits in ZeroMQ's queues
// and the kernel's buffers is read until there is no more for a moment. Somebody who goes on
// sending does not hold up the end.
void Router::answer_the_rest(Batcher& batcher) {
    const auto end = Clock::now() + kLastLook;
    do {
        now_ = Clock::now();
        receive();
        follow_connections(batcher);
        if (incoming_.empty() && !socket_.has_more()) {
            pollfd item{socket_.descriptor(), POLLIN, 0};
            if (poll(&item, 1, kQuietMs) == 0) {
                return;
            }
        }
        admit_all(batcher);
        connections_.look();
    } while (now_ < end);
}

void Router::turn(Batcher& batcher) {
    now_ = Clock::now();
    follow_hangup();
    gate_.follow();
    receive();
    follow_connections(batcher);
    admit_all(batcher);
    take_result(batcher);
    answer_expired(batcher);
    dispatch(batcher);
    follow_shutdown(batcher);
    if (reporter_ != nullptr) {
        reporter_->turned(standing(batcher), now_);
    }
    notify();
}

void Router::notify() {
    if (notifier_ != nullptr) {
        notifier_->turned(now_, state_ != State::kServing);
    }
}

StatusReporter::Standing Router::standing(const Batcher& batcher) const {
    const auto shown = state_ == State::kServing    ? Snapshot::State::kServing
                       : state_ == State::kDraining ? Snapshot::State::kDraining
                                                    : Snapshot::State::kStopped;
    return {shown, batcher, metrics_, log_.lines_dropped()};
}

// When to turn again, though nothing happens.
std::optional<TimePoint> Router::wake_at(const Batcher& batcher) {
    auto earliest = batcher.deadline();
    const auto consider = [&earliest](std::optional<TimePoint> at) {
        earliest = earliest && at ? std::min(*earliest, *at) : earliest ? earliest : at;
    };
    if (state_ == State::kDraining) {
        consider(drain_by_);
    }
    if (reporter_ != nullptr) {
        consider(reporter_->due_at());
    }
    if (options_.wake_at_least_every) {
        // Not moved with every turn, for the timer would have to be set each time.
        wake_by_ = now_ < wake_by_ ? wake_by_ : now_ + *options_.wake_at_least_every;
        consider(wake_by_);
    }
    return earliest;
}

void Router::wait(const Batcher& batcher) {
    timer_.arm(wake_at(batcher));
    if (socket_.has_more()) {
        connections_.look();
        return;
    }
    std::array<pollfd, 6> items{{{socket_.descriptor(), POLLIN, 0},
                                 {connections_.descriptor(), POLLIN, 0},
                                 {worker_.descriptor(), POLLIN, 0},
                                 {timer_.descriptor(), POLLIN, 0},
                                 {stop_.hangup_descriptor(), POLLIN, 0},
                                 {stop_.descriptor(), POLLIN, 0}}};
    // The stop signal stays readable; once followed it is not asked about again.
    const std::size_t asked = items.size() - (state_ == State::kDraining ? 1 : 0);
    poll(items.data(), asked, -1);
    connections_.told(items[1].revents != 0);
}

void Router::follow_hangup() {
    if (stop_.take_hangup()) {
        gate_.reload();
        spdlog::info("SIGHUP: {}", sink_.request_reopen()
                                       ? "files are opened anew before the next batch is stored"
                                       : "the sink has no file that could be opened anew");
    }
}

void Router::receive() {
    std::size_t bytes = 0;
    while (incoming_.size() < kRequestsPerTurn && bytes < kBytesPerTurn && receive_one()) {
        bytes += incoming_.empty() ? 0 : incoming_.back().request.body.size();
    }
}

// Reads one request; false when none waits.
bool Router::receive_one() {
    auto& request = incoming_.emplace_back().request;
    const auto received = socket_.receive(request);
    if (received != RouterSocket::Received::kRequest) {
        incoming_.pop_back();
        const bool unanswerable = received == RouterSocket::Received::kUnanswerable;
        metrics_.unanswerable += unanswerable ? 1U : 0U;
        return unanswerable;
    }
    if (connections_.show(request)) {
        gate_.meet(request);
    }
    return true;
}

// After the messages have been read, and before they are admitted: a message can be read after its
// connection has ended, and nobody waits for that one.
void Router::follow_connections(Batcher& batcher) {
    if (!connections_.changed()) {
        return;
    }
    const auto ended = connections_.follow(metrics_);
    if (ended.empty()) {
        return;
    }
    for (const auto& connection : ended) {
        batcher.forget_connection(connection, now_);
        gate_.forget(connection);
    }
    for (auto& incoming : incoming_) {
        incoming.live = connections_.knows(incoming.request.envelope.connection());
    }
}

void Router::admit_all(Batcher& batcher) {
    if (reporter_ != nullptr && (!incoming_.empty() || connections_.changed())) {
        reporter_->changed();
    }
    for (std::size_t begin = 0; begin < incoming_.size(); begin += kDecodedAhead) {
        const auto count = std::min(kDecodedAhead, incoming_.size() - begin);
        for (std::size_t i = 0; i < count; ++i) {
            decode(batcher, incoming_[begin + i], decoded_[i]);
        }
        for (std::size_t i = 0; i < count; ++i) {
            admit(batcher, incoming_[begin + i], decoded_[i]);
        }
    }
    incoming_.clear();
}

void Router::decode(const Batcher& batcher, const Incoming& incoming, Decoded& decoded) {
    auto& [refusal, body, id] = decoded;
    if (!incoming.request.has_one_body) {
        refusal = {ErrorCode::kBadRequest,
                   "a request has exactly one frame after the empty delimiter",
                   {}};
        return;
    }
    refusal = decoder_.decode(view(incoming.request.body), body);
    if (!refusal) {
        refusal = gate_.identify(incoming.request, body);
    }
    if (!refusal && !body.bundle) {
        id = batcher.expect(body.messages.front().request);
    }
}

void Router::admit(Batcher& batcher, Incoming& incoming, const Decoded& decoded) {
    if (decoded.refusal) {
        refuse({std::move(incoming.request.envelope), nullptr, 0}, *decoded.refusal);
    } else if (decoded.body.bundle) {
        admit_bundle(batcher, incoming, decoded.body);
    } else if (const auto refusal = refusal_of(decoded.body.messages.front())) {
        refuse({std::move(incoming.request.envelope), nullptr, 0}, *refusal);
    } else {
        admit_message(batcher, incoming, decoded);
    }
}

// Why a message is refused whatever is held: by its size, by the decoder, or by the sink.
std::optional<Refusal> Router::refusal_of(const DecodedMessage& message) const {
    if (const auto most = message_limit(options_); message.bytes > most) {
        return Refusal{ErrorCode::kTooLarge,
                       fmt::format("the message has {} bytes; this consumer takes at most {}",
                                   message.bytes, most),
                       std::string(message.request.id)};
    }
    if (message.refusal) {
        return message.refusal;
    }
    if (auto objection = sink_.objection_to(message.request)) {
        return Refusal{ErrorCode::kBadRequest, std::move(*objection),
                       std::string(message.request.id)};
    }
    return std::nullopt;
}

void Router::admit_message(Batcher& batcher, Incoming& incoming, const Decoded& decoded) {
    // The envelope's text may move with it, and must not take the connection's name along.
    const std::string connection(incoming.request.envelope.connection());
    const auto& message = decoded.body.messages.front();
    Claim claim{std::move(incoming.request.envelope), nullptr, 0};
    const auto reply = batcher.admit(
        {message.request, message.bytes, connection, incoming.live, decoded.id}, claim, now_);
    if (reply) {
        answer(claim, *reply);
    }
}

void Router::admit_bundle(Batcher& batcher, Incoming& incoming, const DecodedBody& body) {
    const auto bundle = std::make_shared<Bundle>();
    bundle->envelope = std::move(incoming.request.envelope);
    bundle->size = bundle->open = body.messages.size();
    const auto connection = bundle->envelope.connection();
    std::vector<Batcher::Arrival> members;
    std::vector<std::uint32_t> places;
    for (std::uint32_t place = 0; place < body.messages.size(); ++place) {
        const auto& message = body.messages[place];
        if (const auto refusal = refusal_of(message)) {
            refuse({{}, bundle, place}, *refusal);
        } else {
            members.push_back({message.request, message.bytes, connection, incoming.live});
            places.push_back(place);
        }
    }
    batcher.begin_bundle(members, now_);
    for (std::size_t i = 0; i < members.size(); ++i) {
        Claim claim{{}, bundle, places[i]};
        if (const auto reply = batcher.admit(members[i], claim, now_)) {
            answer(claim, *reply);
        }
    }
    batcher.end_bundle(now_, bundle->done() ? 0 : bundle->kept_bytes());
}

void Router::take_result(Batcher& batcher) {
    if (const auto processed = worker_.take_result()) {
        now_ = Clock::now();
        auto held = batcher.complete(processed->verdicts);
        finish(*held.batch, *processed, held);
    }
}

void Router::answer_expired(Batcher& batcher) {
    for (const auto& [claim, id] : batcher.take_expired(now_)) {
        refuse(claim, {ErrorCode::kExpired, "the message was not processed by its deadline", id});
    }
}

void Router::dispatch(Batcher& batcher) {
    while (state_ == State::kServing || state_ == State::kDraining) {
        auto batch = batcher.take_due(now_);
        if (!batch) {
            return;
        }
        if (batch->messages.empty()) {
            HeldBatch nobody;
            finish(*batch, {{}, sink_.summarize(*batch, {}), Duration::zero()}, nobody);
        } else if (worker_.is_inline()) {
            const auto processed = worker_.process_inline(*batch);
            now_ = Clock::now();
            auto held = batcher.complete(processed.verdicts);
            finish(*held.batch, processed, held);
            answer_expired(batcher);  // time has passed
        } else {
            worker_.submit(std::move(batch));
            if (reporter_ != nullptr) {
                reporter_->changed();
            }
            return;
        }
    }
}

// Writes the batch's line, then answers who was held for it.
void Router::finish(const Batch& batch, const Processed& processed, HeldBatch& held) {
    metrics_.count(batch, processed.verdicts, processed.took,
                   options_.batcher.answer_on_receipt ? Replied::kNo : Replied::kYes);
    Duration longest_hold{0};
    for (const auto& waiter : held.waiters) {
        longest_hold = std::max(longest_hold, now_ - waiter.arrival);
        metrics_.count_hold(now_ - waiter.arrival);
    }
    const BatchRecord record{batch, processed, wall_time(batch.closed_at), longest_hold};
    log_.write(record);
    if (reporter_ != nullptr) {
        reporter_->batch_over(batch.number, log_.json(record));
    }
    if (notifier_ != nullptr) {
        notifier_->batch_over(batch.number, batch.messages.size(), longest_hold);
    }
    if (!options_.batcher.answer_on_receipt) {
        release(held, processed.verdicts,
                [this](const Envelope& envelope, std::string_view body, Sharing sharing) {
                    send(envelope, body, sharing);
                });
    }
    if (options_.batches && batch.number >= *options_.batches) {
        state_ = State::kDone;
    }
}

// Stopping is a state, not an exit: what is held is processed and answered first.
void Router::follow_shutdown(Batcher& batcher) {
    if (state_ == State::kServing && stop_.requested()) {
        spdlog::info("stopping: processing what is held ({} messages)", batcher.held());
        state_ = State::kDraining;
        drain_by_ = now_ + options_.drain_for;
        batcher.drain();
        dispatch(batcher);
    }
    if (state_ == State::kDraining && batcher.idle()) {
        state_ = State::kDone;
    } else if (state_ == State::kDraining && now_ >= drain_by_) {
        spdlog::error(
            "the sink did not finish within {} s of the stop: {} messages are answered "
            "sink_failed",
            std::chrono::duration_cast<std::chrono::seconds>(options_.drain_for).count(),
            batcher.held());
        refuse_held(batcher, ErrorCode::kSinkFailed, "the consumer stopped before its sink could");
        state_ = State::kSinkStuck;
    } else if (state_ == State::kDone) {
        batcher.drain();
        refuse_held(batcher, ErrorCode::kShuttingDown, "this consumer is shutting down");
    }
}

void Router::refuse_held(Batcher& batcher, ErrorCode code, std::string_view message) {
    for (const auto& held : batcher.abandon(now_)) {
        if (options_.batcher.answer_on_receipt) {
            continue;
        }
        const auto refuse_one = [&](const Claim& claim, std::size_t index) {
            refuse(claim,
                   {code, std::string(message), std::string(held.batch->messages[index].id)});
        };
        for (std::size_t i = 0; i < held.waiters.size(); ++i) {
            refuse_one(held.waiters[i].claim, i);
        }
        for (const auto& share : held.shares) {
            refuse_one(share.claim, share.index);
        }
    }
}

void Router::refuse(const Claim& claim, const Refusal& refusal) {
    Reply reply;
    reply.ok = false;
    reply.id = refusal.id;
    reply.code = refusal.code;
    reply.message = refusal.message;
    answer(claim, reply);
}

// One message's reply outside of any batch; that of a bundle goes out with its last one.
void Router::answer(const Claim& claim, const Reply& reply) {
    metrics_.count(reply);
    if (!claim.bundle) {
        send(claim.envelope, encode(reply));
        return;
    }
    claim.bundle->settle(claim.place, encode(reply));
    if (claim.bundle->done()) {
        send(claim.bundle->envelope, mixed_reply(*claim.bundle));
    }
}

// A peer that has gone or does not read is counted, not mourned.
void Router::send(const Envelope& envelope, std::string_view body, Sharing sharing) {
    metrics_.undeliverable += socket_.send(envelope, body, sharing) ? 0U : 1U;
}

}  // namespace blocky
