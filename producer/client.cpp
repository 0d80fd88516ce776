// Send, wait, and send again.
#include "producer/client.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/units.hpp"

namespace blocky {
namespace {

// With several consumers to choose from, one that cannot be reached is left after this.
constexpr Duration kFailOverAfter = std::chrono::seconds(1);
// A consumer that is just being restarted is not worth a line.
constexpr Duration kSayUnreachableAfter = std::chrono::seconds(2);
constexpr Duration kFirstRetry = std::chrono::milliseconds(100);
constexpr Duration kLongestRetry = std::chrono::seconds(5);

PushFailure refused(const std::string& reason, std::string body) {
    return {PushFailure::Kind::kRefused, reason, std::move(body)};
}

bool readable(int descriptor) {
    pollfd item{descriptor, POLLIN, 0};
    return descriptor >= 0 && poll(&item, 1, 0) == 1;
}

}  // namespace

Client::Client(zmq::context_t& context, ClientOptions options)
    : context_(context),
      options_(std::move(options)),
      backoff_(kFirstRetry, kLongestRetry, std::random_device{}()),
      connecting_since_(Clock::now()) {
    socket_.emplace(context_, options_.endpoints.at(endpoint_));
}

tl::expected<Acknowledgement, PushFailure> Client::push(std::string_view value,
                                                        std::string_view id) {
    const auto body = encode(PushRequest{value, options_.name, std::string(id)});
    if (body.size() > options_.max_message_bytes) {
        return tl::make_unexpected(
            refused(fmt::format("too_large: the request has {} bytes, the limit is {}", body.size(),
                                options_.max_message_bytes),
                    {}));
    }
    const auto start = Clock::now();
    ever_sent_ = false;
    give_up_at_.reset();
    if (options_.retry_for) {
        give_up_at_ = start + *options_.retry_for;
    }
    backoff_.reset();
    trouble_ = connected_ ? "no reply" : "no connection";
    while (true) {
        auto received = exchange(body, id);
        if (!received) {
            return received;
        }
        received->held = Clock::now() - start;
        const auto& reply = received->reply;
        if (reply.ok) {
            return received;
        }
        trouble_ = fmt::format("{}: {}", reply.code, reply.message);
        if (!reply.retry) {
            return tl::make_unexpected(refused(trouble_, std::move(received->body)));
        }
        if (reply.code == to_string(ErrorCode::kShuttingDown) && options_.endpoints.size() > 1) {
            connect_next();
        }
        const Duration delay = reply.retry_after ? *reply.retry_after : backoff_.next();
        if (!pause(delay)) {
            return tl::make_unexpected(*reason_to_stop());
        }
    }
}

// One reply to one request, whatever it says, through as many tries as it takes.
Client::Received Client::exchange(const std::string& body, std::string_view id) {
    sent_ = false;
    resend_at_ = Clock::now() + options_.timeout;
    while (true) {
        // In this order: a reply that came just before the connection broke counts.
        const auto events = socket_->take_events();
        auto reply = take_reply(id);
        follow_connection(events);
        if (reply) {
            return std::move(*reply);
        }
        if (auto stop = reason_to_stop()) {
            return tl::make_unexpected(std::move(*stop));
        }
        if (!sent_ && connected_ && socket_->send(body)) {
            sent_ = true;
            ever_sent_ = true;
        }
        const int to_send = connected_ ? ZMQ_POLLOUT : 0;
        wait(resend_at_, static_cast<short>(sent_ ? ZMQ_POLLIN : to_send));
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
    const bool its_own = reply && (reply->id == id || (!reply->ok && reply->id.empty()));
    if (!its_own) {
        spdlog::warn("a reply is not understood and taken for none: {:.200}", *body);
        trouble_ = "the replies are not understood";
        pause(backoff_.next());
        sent_ = false;
        return std::nullopt;
    }
    return Acknowledgement{std::move(*reply), std::move(*body), {}};
}

void Client::follow_connection(const RequestSocket::Events& events) {
    const auto now = Clock::now();
    if (events.disconnected) {
        // What was sent may be lost with the connection; it goes again on the next one.
        sent_ = false;
        connecting_since_ = now;
        connected_ = false;
        trouble_ = "the connection to the consumer broke";
    }
    if (events.connected) {
        connected_ = true;
        trouble_ = "no reply";
        if (std::exchange(said_unreachable_, false)) {
            spdlog::info("connected to {}", options_.endpoints[endpoint_]);
        }
    }
    if (!connected_ && !said_unreachable_ && now - connecting_since_ >= kSayUnreachableAfter) {
        said_unreachable_ = true;
        spdlog::warn("no connection to {}; trying on", options_.endpoints[endpoint_]);
    }
    const auto fail_over = std::min(kFailOverAfter, options_.timeout);
    const bool unreachable =
        !connected_ && options_.endpoints.size() > 1 && now - connecting_since_ >= fail_over;
    if (now >= resend_at_ || unreachable) {
        trouble_ = fmt::format("{} from {} for {}", connected_ ? "no reply" : "no connection",
                               options_.endpoints[endpoint_],
                               describe(unreachable ? fail_over : options_.timeout));
        connect_next();
    }
}

void Client::connect_next() {
    endpoint_ = (endpoint_ + 1) % options_.endpoints.size();
    socket_.emplace(context_, options_.endpoints[endpoint_]);
    connected_ = false;
    connecting_since_ = Clock::now();
    sent_ = false;
    resend_at_ = Clock::now() + options_.timeout;
}

// Nothing while the push may go on. What has been sent is waited for a little after a stop.
std::optional<PushFailure> Client::reason_to_stop() {
    const auto now = Clock::now();
    if (!stop_by_ && readable(options_.stop_descriptor)) {
        stop_by_ = now + options_.stop_grace;
    }
    if (stop_by_ && (!sent_ || now >= *stop_by_)) {
        const auto kind = ever_sent_ ? PushFailure::Kind::kStopped : PushFailure::Kind::kNotSent;
        return PushFailure{kind, "stopped: " + trouble_, {}};
    }
    if (give_up_at_ && now >= *give_up_at_) {
        return PushFailure{
            PushFailure::Kind::kGaveUp,
            fmt::format("given up after {}: {}", describe(*options_.retry_for), trouble_),
            {}};
    }
    return std::nullopt;
}

// Until something happens on the socket, its monitor or the stop descriptor, or until a time.
void Client::wait(TimePoint until, short socket_events) {
    for (const auto& earlier : {give_up_at_, stop_by_}) {
        until = earlier ? std::min(until, *earlier) : until;
    }
    if (!connected_ && options_.endpoints.size() > 1) {
        until = std::min(until, connecting_since_ + kFailOverAfter);
    } else if (!connected_ && !said_unreachable_) {
        until = std::min(until, connecting_since_ + kSayUnreachableAfter);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    std::array<zmq::pollitem_t, 3> items{socket_->poll_item(socket_events),
                                         socket_->monitor_item(),
                                         {nullptr, options_.stop_descriptor, ZMQ_POLLIN, 0}};
    const bool watch_stop = options_.stop_descriptor >= 0 && !stop_by_;
    try {
        zmq::poll(items.data(), items.size() - (watch_stop ? 0 : 1),
                  std::max(left, std::chrono::milliseconds(0)));
    } catch (const zmq::error_t& error) {
        if (error.num() != EINTR) {
            throw;
        }
    }
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
    }
    return !reason_to_stop();
}

}  // namespace blocky
