// One turn: receive, take the worker's result, dispatch what is due, wait.
#include "consumer/router.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

#include "common/endpoint.hpp"
#include "consumer/envelope.hpp"
#include "consumer/release.hpp"

namespace blocky {
namespace {

// So many messages at most between two looks at the timer and the worker.
constexpr int kMessagesPerTurn = 1000;
// A frame of a multiple of the limit still gets its `too_large`; beyond, ZeroMQ cuts the
// connection.
constexpr std::uint64_t kHardLimitFactor = 4;
constexpr int kLingerMs = 500;
constexpr std::uint64_t kLeastReplies = 50'000;

void set_options(zmq::socket_t& socket, const RouterOptions& options) {
    using namespace zmq::sockopt;
    // A reply to a producer that has gone is an error to count, not silence.
    socket.set(router_mandatory, 1);
    // The decoder allocates what a frame announces; without a limit anyone could ask for all
    // memory.
    socket.set(maxmsgsize, static_cast<std::int64_t>(options.max_message_bytes * kHardLimitFactor));
    // A client may have as many messages held as there are, and as many again refused while it
    // reads; its replies must fit its queue.
    socket.set(sndhwm, static_cast<int>(std::clamp<std::uint64_t>(options.batcher.max_held,
                                                                  kLeastReplies, 1 << 30)));
    // 10,000 producers may connect at once; the default of 100 makes them wait for SYN retries.
    socket.set(backlog, 4096);
    // Half a handshake is cut after 5 s, a connection whose host has vanished within 5 s.
    socket.set(handshake_ivl, 5000);
    socket.set(heartbeat_ivl, 2500);
    socket.set(heartbeat_timeout, 2500);
    // At exit, what a slow reader has not taken yet is given up after this.
    socket.set(linger, kLingerMs);
}

IdTable::Secret random_secret() {
    IdTable::Secret secret{};
    randombytes_buf(secret.data(), secret.size());
    return secret;
}

std::string_view view(const zmq::message_t& frame) {
    return {static_cast<const char*>(frame.data()), frame.size()};
}

}  // namespace

Router::Router(zmq::context_t& context, const RouterOptions& options, const Sink& sink,
               Worker& worker, BatchLog& log, const StopSignal& stop)
    : options_(options),
      sink_(sink),
      worker_(worker),
      log_(log),
      stop_(stop),
      socket_(context, zmq::socket_type::router) {
    // What could never be held is refused as too large, whichever limit is the lowest.
    options_.max_message_bytes = std::min(
        {options.max_message_bytes, options.batcher.max_bytes, options.batcher.max_held_bytes});
    set_options(socket_, options);
    for (const auto& endpoint : options_.bind) {
        bind(endpoint);
    }
}

void Router::bind(const std::string& endpoint) {
    try {
        socket_.set(zmq::sockopt::ipv6, is_ipv6(endpoint));
        socket_.bind(endpoint);
        endpoints_.push_back(socket_.get(zmq::sockopt::last_endpoint));
    } catch (const zmq::error_t& error) {
        throw std::runtime_error(fmt::format("cannot bind {}: {}", endpoint, error.what()));
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
    // Who has sent in the meantime is told, too, rather than left waiting.
    receive(batcher);
    return state_ == State::kDone;
}

void Router::turn(Batcher& batcher) {
    now_ = Clock::now();
    receive(batcher);
    if (const auto processed = worker_.take_result()) {
        now_ = Clock::now();
        const auto held = batcher.complete(processed->verdicts);
        finish(*held.batch, *processed, held);
    }
    dispatch(batcher);
    follow_shutdown(batcher);
}

void Router::wait(const Batcher& batcher) {
    auto deadline = batcher.deadline();
    if (state_ == State::kDraining) {
        deadline = drain_by_;
    }
    timer_.arm(deadline);
    std::array<zmq::pollitem_t, 4> items{{{socket_.handle(), 0, ZMQ_POLLIN, 0},
                                          {nullptr, worker_.descriptor(), ZMQ_POLLIN, 0},
                                          {nullptr, timer_.descriptor(), ZMQ_POLLIN, 0},
                                          {nullptr, stop_.descriptor(), ZMQ_POLLIN, 0}}};
    // The stop signal stays readable; once followed it is not asked about again.
    const std::size_t asked = items.size() - (state_ == State::kDraining ? 1 : 0);
    try {
        zmq::poll(items.data(), asked, std::chrono::milliseconds(-1));
    } catch (const zmq::error_t& error) {
        if (error.num() != EINTR) {
            throw;
        }
    }
}

void Router::receive(Batcher& batcher) {
    for (int received = 0; received < kMessagesPerTurn && receive_one(batcher); ++received) {
    }
}

// Reads one request, all its frames; false when none waits.
bool Router::receive_one(Batcher& batcher) {
    RequestFrames frames;
    zmq::message_t frame;
    zmq::message_t body;
    do {
        if (!socket_.recv(frame, zmq::recv_flags::dontwait)) {
            return false;
        }
        if (frames.add(view(frame)) == RequestFrames::Part::kBody) {
            body.swap(frame);
            frame.rebuild();
        }
    } while (socket_.get(zmq::sockopt::rcvmore));
    if (!frames.answerable()) {
        ++metrics_.unanswerable;
        return true;
    }
    auto envelope = frames.take_envelope();
    if (frames.has_one_body()) {
        admit(batcher, body, envelope);
    } else {
        refuse(envelope, ErrorCode::kBadRequest,
               "a request has exactly one frame after the empty delimiter", {});
    }
    return true;
}

void Router::admit(Batcher& batcher, const zmq::message_t& body, Envelope& envelope) {
    const auto request = decode_request(view(body), options_.max_message_bytes);
    if (!request) {
        const auto& [code, message, id] = request.error();
        refuse(envelope, code, message, id);
        return;
    }
    if (const auto objection = sink_.objection_to(*request)) {
        refuse(envelope, ErrorCode::kBadRequest, *objection, request->id);
        return;
    }
    if (const auto reply = batcher.admit(*request, body.size(), envelope, now_)) {
        if (!reply->ok) {
            metrics_.count_error(reply->code);
        }
        metrics_.duplicates += reply->duplicate ? 1U : 0U;
        send(envelope, *reply);
    }
}

void Router::dispatch(Batcher& batcher) {
    while (state_ == State::kServing || state_ == State::kDraining) {
        auto batch = batcher.take_due(now_);
        if (!batch) {
            return;
        }
        if (!batch->messages.empty()) {
            worker_.submit(std::move(batch));
            return;
        }
        finish(*batch, {{}, sink_.summarize(*batch, {}), Duration::zero()}, {});
    }
}

// Writes the batch's line, then answers who was held for it.
void Router::finish(const Batch& batch, const Processed& processed, const HeldBatch& held) {
    ++metrics_.batches;
    metrics_.messages += batch.messages.size();
    Duration longest_hold{0};
    for (const auto& waiter : held.waiters) {
        longest_hold = std::max(longest_hold, now_ - waiter.arrival);
        metrics_.held.record(now_ - waiter.arrival);
    }
    const auto closed_at = std::chrono::system_clock::now() - (Clock::now() - batch.closed_at);
    log_.write({batch, processed, std::chrono::time_point_cast<WallTime::duration>(closed_at),
                longest_hold});
    if (!options_.batcher.answer_on_receipt) {
        release(held, processed);
    }
    if (options_.batches && batch.number >= *options_.batches) {
        state_ = State::kDone;
    }
}

void Router::release(const HeldBatch& held, const Processed& processed) {
    for (std::size_t i = 0; i < held.waiters.size(); ++i) {
        const auto reply = reply_to(*held.batch, i, processed.verdicts[i]);
        if (!reply.ok) {
            metrics_.count_error(reply.code);
        }
        metrics_.duplicates += reply.duplicate ? 1U : 0U;
        send(held.waiters[i].envelope, reply);
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
        for (std::size_t i = 0; i < held.waiters.size(); ++i) {
            if (!options_.batcher.answer_on_receipt) {
                refuse(held.waiters[i].envelope, code, message, held.batch->messages[i].id());
            }
        }
    }
}

void Router::refuse(const Envelope& envelope, ErrorCode code, std::string_view message,
                    std::string_view id) {
    metrics_.count_error(code);
    Reply reply;
    reply.ok = false;
    reply.id = id;
    reply.code = code;
    reply.message = message;
    send(envelope, reply);
}

// Never waits for a peer: one that has gone or does not read is counted, not mourned.
void Router::send(const Envelope& envelope, const Reply& reply) {
    const auto flags = zmq::send_flags::dontwait;
    bool sent = true;
    try {
        envelope.for_each([&](std::string_view frame, bool /*last*/) {
            sent = socket_.send(zmq::buffer(frame), flags | zmq::send_flags::sndmore).has_value();
            return sent;
        });
        sent = sent && socket_.send(zmq::buffer(encode(reply)), flags).has_value();
    } catch (const zmq::error_t& error) {
        if (error.num() != EHOSTUNREACH) {
            throw;
        }
        sent = false;
    }
    metrics_.undeliverable += sent ? 0U : 1U;
}

}  // namespace blocky
