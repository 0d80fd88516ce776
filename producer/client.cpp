// Send, wait, and send again.
#include "producer/client.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/units.hpp"

namespace blocky {
Client::Client(zmq::context_t& context, ClientOptions options)
    : context_(context),
      options_(std::move(options)),
      reach_(options_, Clock::now()),
      access_(options_),
      backoff_(kFirstRetry, kLongestRetry, std::random_device{}()) {
    socket_.emplace(context_, reach_.endpoint(), options_.curve);
}

PushResult Client::push(std::string_view value, std::string_view id, std::string_view producer) {
    const std::string_view who = producer.empty() ? options_.name : producer;
    const auto body = encode(PushRequest{value, who, id, options_.deadline});
    if (body.size() > options_.max_message_bytes) {
        return tl::make_unexpected(too_large(body.size(), options_.max_message_bytes));
    }
    const auto start = Clock::now();
    ever_sent_ = false;
    wait_for_news(0, false);  // of what has happened since the last push
    give_up_at_.reset();
    if (options_.retry_for) {
        give_up_at_ = start + *options_.retry_for;
    }
    backoff_.reset();
    trouble_ = reach_.connected() ? "no reply" : "no connection";
    while (true) {
        auto received = exchange(body, id);
        if (!received) {
            return received;
        }
        received->at = Clock::now();
        received->held = received->at - start;
        const auto& reply = received->reply;
        if (reply.ok) {
            return received;
        }
        trouble_ = describe(reply);
        if (!reply.retry) {
            return tl::make_unexpected(refused(trouble_, std::move(received->body)));
        }
        if (reply.code == to_string(ErrorCode::kShuttingDown) && reach_.has_other()) {
            connect_next();
        }
        const Duration delay = reply.retry_after ? *reply.retry_after : backoff_.next();
        if (!pause(delay)) {
            return tl::make_unexpected(*reason_to_stop());
        }
    }
}

// One reply to one request, whatever it says, through as many tries as it takes.
PushResult Client::exchange(const std::string& body, std::string_view id) {
    sent_ = false;
    resend_at_ = Clock::now() + options_.timeout;
    while (true) {
        // In this order: a reply that came just before the connection broke counts.
        const auto events =
            std::exchange(monitor_due_, false) ? socket_->take_events() : ConnectionEvents{};
        auto reply = take_reply(id);
        follow_connection(events);
        if (reply) {
            return std::move(*reply);
        }
        if (const auto barred = std::exchange(barred_, std::nullopt)) {
            return tl::make_unexpected(blocky::barred(*barred));
        }
        if (auto stop = reason_to_stop()) {
            return tl::make_unexpected(std::move(*stop));
        }
        if (!sent_ && reach_.connected() && socket_->send(body)) {
            sent_ = true;
            ever_sent_ = true;
        }
        wait(resend_at_);
    }
}

// A reply that is not understood is no acknowledgement: the message is sent again.
std::optional<Acknowledgement> Client::take_reply(std::string_view id) {
    if (!sent_) {
        return std::nullopt;
    }
    auto body = socket_->receive();
    if (!body) {
        return std::nullopt;
    }
    auto reply = decode_reply(*body);
    if (!reply || !answers(*reply, id)) {
        spdlog::warn("a reply is not understood and taken for none: {:.200}", *body);
        trouble_ = "the replies are not understood";
        pause(backoff_.next());
        sent_ = false;
        return std::nullopt;
    }
    return Acknowledgement{std::move(*reply), std::move(*body), {}, {}};
}

void Client::follow_connection(const ConnectionEvents& events) {
    const auto now = Clock::now();
    if (events.disconnected) {
        // What was sent may be lost with the connection; it goes again on the next one.
        sent_ = false;
        reach_.connection_broke(now);
        trouble_ = "the connection to the consumer broke";
    }
    if (events.connected) {
        reach_.connection_made();
        trouble_ = "no reply";
    }
    if (access_.refused(events, reach_.index())) {
        barred_ = access_.take_refusal();
        connect_next();
    }
    reach_.complain(now);
    const bool unreachable = reach_.lost(now);
    if (now >= resend_at_ || unreachable) {
        trouble_ = fmt::format("{} from {} for {}",
                               reach_.connected() ? "no reply" : "no connection", reach_.endpoint(),
                               describe(unreachable ? reach_.patience() : options_.timeout));
        connect_next();
    }
}

void Client::connect_next() {
    reach_.next(Clock::now());
    socket_.emplace(context_, reach_.endpoint(), options_.curve);
    monitor_due_ = true;
    sent_ = false;
    resend_at_ = Clock::now() + options_.timeout;
}

// Nothing while the push may go on. What has been sent is waited for a little after a stop.
std::optional<PushFailure> Client::reason_to_stop() {
    const auto now = Clock::now();
    if (!stop_by_ && stop_due_ && is_readable(options_.stop_descriptor)) {
        stop_by_ = now + options_.stop_grace;
    }
    if (stop_by_ && (!sent_ || now >= *stop_by_)) {
        return stopped(ever_sent_, trouble_);
    }
    if (give_up_at_ && now >= *give_up_at_) {
        return given_up(options_, trouble_);
    }
    return std::nullopt;
}

// Until something happens on the socket, its monitor or the stop descriptor, or until a time. Each
// look at a ZeroMQ socket is a system call, so only the one that ZMQ_FD asks for is made here, and
// the monitor is left alone until it has something to say.
void Client::wait(TimePoint until) {
    const int wanted = sent_ ? ZMQ_POLLIN : reach_.connected() ? ZMQ_POLLOUT : 0;
    if (monitor_due_ || (socket_->events() & wanted) != 0) {
        return;
    }
    for (const auto& earlier : {give_up_at_, stop_by_}) {
        until = earlier ? std::min(until, *earlier) : until;
    }
    until = std::min(until, reach_.due());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    wait_for_news(static_cast<int>(std::max<std::int64_t>(left.count(), 0)), true);
}

// Of the monitor and the stop descriptor, perhaps of the socket.
void Client::wait_for_news(int milliseconds, bool of_socket) {
    std::array<pollfd, 3> items{{{of_socket ? socket_->descriptor() : -1, POLLIN, 0},
                                 {socket_->monitor_descriptor(), POLLIN, 0},
                                 {stop_by_ ? -1 : options_.stop_descriptor, POLLIN, 0}}};
    poll(items.data(), items.size(), milliseconds);
    monitor_due_ = monitor_due_ || items[1].revents != 0;
    stop_due_ = items[2].revents != 0;
}

// Waits before the next try; false when there will be none.
bool Client::pause(Duration delay) {
    sent_ = false;
    const auto until = Clock::now() + delay;
    while (Clock::now() < until) {
        if (reason_to_stop()) {
            return false;
        }
        const auto stop_descriptor = options_.stop_descriptor;
        auto end = give_up_at_ ? std::min(until, *give_up_at_) : until;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        pollfd item{stop_descriptor, POLLIN, 0};
        poll(&item, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        stop_due_ = item.revents != 0;
    }
    return !reason_to_stop();
}

}  // namespace blocky
