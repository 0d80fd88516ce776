// Turns: take what has come, see what is due, send what may go.
#include "producer/pipelined_client.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <random>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/units.hpp"

namespace blocky {
namespace {

// A turn costs some system calls; so many pushes share one.
constexpr unsigned kPushesBetweenTurns = 128;
// A consumer that takes connections and breaks them is not called on without end.
constexpr Duration kBetweenConnections = std::chrono::milliseconds(100);

std::uint64_t random_seed() {
    std::random_device random;
    return (std::uint64_t{random()} << 32U) | random();
}

}  // namespace

PipelinedClient::PipelinedClient(zmq::context_t& context, PipelineOptions options)
    : context_(context),
      options_(std::move(options)),
      pipeline_(options_, random_seed()),
      reach_(options_.client, Clock::now()),
      access_(options_.client),
      now_(Clock::now()) {
    open_socket();
}

void PipelinedClient::push_async(std::string_view value, std::string_view id, PushCallback callback,
                                 std::string_view producer) {
    if (++pushes_since_turn_ >= kPushesBetweenTurns) {
        monitor_due_ = stop_due_ = true;
        turn(Sending::kFullBundlesOnly);
    }
    while (!pipeline_.has_room() && !stopping()) {
        turn_or_block();
    }
    if (stopping()) {
        callback(id, tl::make_unexpected(stopped(false, pipeline_.trouble())));
        return;
    }
    // The caller may have been away for long: an old time would make timeouts come too early.
    now_ = Clock::now();
    pipeline_.push(value, id, std::move(callback), now_, producer);
    send_waiting(Sending::kFullBundlesOnly);
}

PushResult PipelinedClient::push(std::string_view value, std::string_view id) {
    std::optional<PushResult> result;
    push_async(value, id,
               [&result](std::string_view, const PushResult& outcome) { result = outcome; });
    while (!result) {
        turn_or_block();
    }
    return std::move(*result);
}

void PipelinedClient::flush() {
    while (pipeline_.size() > 0) {
        turn_or_block();
    }
}

void PipelinedClient::wait(TimePoint until, int descriptor) {
    const auto outcomes = pipeline_.outcomes();
    const bool was_stopping = stopping();
    turn(Sending::kAll);
    while (pipeline_.outcomes() == outcomes && stopping() == was_stopping && now_ < until &&
           !is_readable(descriptor)) {
        block(until, descriptor);
        turn(Sending::kAll);
    }
}

void PipelinedClient::turn(Sending sending) {
    pushes_since_turn_ = 0;
    now_ = Clock::now();
    // In this order: a reply that came just before the connection broke counts.
    const auto events =
        socket_ && std::exchange(monitor_due_, false) ? socket_->take_events() : ConnectionEvents{};
    receive_replies();
    follow_connection(events);
    check_stop();
    pipeline_.expire(now_);
    send_waiting(sending);
}

// Blocks only if the turn has brought nothing that the caller may be waiting for.
void PipelinedClient::turn_or_block() {
    const auto outcomes = pipeline_.outcomes();
    const bool was_stopping = stopping();
    turn(Sending::kAll);
    if (pipeline_.outcomes() == outcomes && stopping() == was_stopping) {
        block(TimePoint::max(), -1);
    }
}

// Until something comes, or something is due. Each look at a ZeroMQ socket is a system call: here
// is the only one that ZMQ_FD asks for, the monitor is left alone until it has something to say.
void PipelinedClient::block(TimePoint until, int descriptor) {
    if (socket_ && (monitor_due_ || socket_->has_reply())) {
        return;
    }
    const int stop = stopping() ? -1 : options_.client.stop_descriptor;
    std::array<pollfd, 4> items{{{descriptor, POLLIN, 0},
                                 {stop, POLLIN, 0},
                                 {socket_ ? socket_->descriptor() : -1, POLLIN, 0},
                                 {socket_ ? socket_->monitor_descriptor() : -1, POLLIN, 0}}};
    until = std::min(until, next_due());
    const auto left = std::max(until - Clock::now(), Duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec timeout{seconds.count(), (left - seconds).count()};
    const bool forever = until == TimePoint::max();
    if (ppoll(items.data(), items.size(), forever ? nullptr : &timeout, nullptr) < 0 &&
        errno != EINTR) {
        throw std::system_error(errno, std::generic_category(), "ppoll");
    }
    stop_due_ = items[1].revents != 0;
    monitor_due_ = items[3].revents != 0;
}

TimePoint PipelinedClient::next_due() const {
    auto due = std::min(pipeline_.due(), reach_.due());
    if (!socket_) {
        due = std::min(due, opened_at_);
    }
    return stop_by_ && pipeline_.size() > 0 ? std::min(due, *stop_by_) : due;
}

void PipelinedClient::receive_replies() {
    while (socket_ && socket_->receive()) {
        pipeline_.take_reply(socket_->tag(), socket_->body(), now_);
    }
}

void PipelinedClient::follow_connection(const ConnectionEvents& events) {
    if (events.disconnected) {
        connection_broke();
    } else if (events.connected) {
        pipeline_.set_trouble("no reply");
        reach_.connection_made();
    }
    follow_access(events);
    reach_.complain(now_);
    leave_where_due();
    if (!socket_ && now_ >= opened_at_) {
        open_socket();
    }
}

void PipelinedClient::leave_where_due() {
    if (pipeline_.is_silent(now_)) {
        leave(fmt::format("no reply from {} for {}", reach_.endpoint(),
                          describe(options_.client.timeout)));
    } else if (reach_.lost(now_)) {
        leave(fmt::format("no connection to {} for {}", reach_.endpoint(),
                          describe(reach_.patience())));
    } else if (pipeline_.is_left()) {
        leave(pipeline_.trouble());
    }
}

// For the next consumer, or for a new connection to the only one.
void PipelinedClient::leave(const std::string& why) {
    pipeline_.set_trouble(why);
    pipeline_.arrive(now_);
    reach_.next(now_);
    open_socket();
}

void PipelinedClient::connection_broke() {
    pipeline_.set_trouble("the connection to the consumer broke");
    pipeline_.put_back_sent();
    reach_.connection_broke(now_);
    socket_.reset();
    opened_at_ = std::max(now_, opened_at_ + kBetweenConnections);
}

// Who has refused is called on again after a moment only, and then with what is pushed by then.
void PipelinedClient::follow_access(const ConnectionEvents& events) {
    if (!access_.refused(events, reach_.index())) {
        return;
    }
    reach_.next(now_);
    if (socket_) {
        connection_broke();
    }
    if (const auto refusal = access_.take_refusal()) {
        pipeline_.bar(*refusal);
    }
}

void PipelinedClient::open_socket() {
    socket_.emplace(context_, reach_.endpoint(), options_.client.curve);
    monitor_due_ = true;
    opened_at_ = now_;
}

// After a stop nothing is sent, and what is on its way is waited for a little.
void PipelinedClient::check_stop() {
    if (!stop_by_ && stop_due_ && is_readable(options_.client.stop_descriptor)) {
        stop_by_ = now_ + options_.client.stop_grace;
    }
    if (stop_by_ && pipeline_.size() > 0) {
        pipeline_.stop(now_ >= *stop_by_);
    }
}

void PipelinedClient::send_waiting(Sending sending) {
    const auto enough = sending == Sending::kAll ? 1 : options_.bundle;
    while (socket_ && reach_.connected() && !stopping()) {
        const auto* const request = pipeline_.next_request(enough, now_);
        if (request == nullptr) {
            return;
        }
        if (!send(*request)) {
            connection_broke();  // never seen; a socket that takes nothing serves nobody
        }
    }
}

bool PipelinedClient::send(const OpenRequest& request) {
    zmq::message_t body(pipeline_.bytes_of(request));
    pipeline_.write(request, body.data<char>());
    return socket_->send(request.tag, std::move(body));
}

}  // namespace blocky
