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

IdTable::Secret random_secret() {
    IdTable::Secret secret{};
    randombytes_buf(secret.data(), secret.size());
    return secret;
}

}  // namespace

Router::Router(zmq::context_t& context, const RouterOptions& options, Sink& sink, Worker& worker,
               BatchLog& log, StopSignal& stop)
    : options_(options),
      sink_(sink),
      worker_(worker),
      log_(log),
      stop_(stop),
      socket_(
          context, options.max_message_bytes,
          std::min(options.batcher.max_held, options.batcher.max_held_per_producer),
          // Who hangs would be waited for in each batch.
          options.batcher.barrier ? RouterSocket::Heartbeats::kOn : RouterSocket::Heartbeats::kOff),
      connections_(context, socket_.socket()),
      gate_(options.curve ? options.curve->authenticator : nullptr),
      reception_(options.max_message_bytes, options.batcher, sink, gate_, metrics_,
                 [this](const Envelope& envelope, std::string_view body, Sharing sharing) {
                     send(envelope, body, sharing);
                 }) {
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
    reception_.answer_expired(batcher, now_);
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
    reception_.admit(batcher, incoming_, now_);
}

void Router::take_result(Batcher& batcher) {
    if (const auto processed = worker_.take_result()) {
        now_ = Clock::now();
        auto held = batcher.complete(processed->verdicts);
        finish(*held.batch, *processed, held);
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
            reception_.answer_expired(batcher, now_);  // time has passed
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
    reception_.release(held, processed.verdicts);
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
        reception_.refuse_held(batcher, ErrorCode::kSinkFailed,
                               "the consumer stopped before its sink could", now_);
        state_ = State::kSinkStuck;
    } else if (state_ == State::kDone) {
        batcher.drain();
        reception_.refuse_held(batcher, ErrorCode::kShuttingDown, "this consumer is shutting down",
                               now_);
    }
}

// A peer that has gone or does not read is counted, not mourned.
void Router::send(const Envelope& envelope, std::string_view body, Sharing sharing) {
    metrics_.undeliverable += socket_.send(envelope, body, sharing) ? 0U : 1U;
}

}  // namespace blocky
