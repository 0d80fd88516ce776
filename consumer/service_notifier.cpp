// One datagram, lines of NAME=VALUE.
#include "consumer/service_notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace blocky {
namespace {

constexpr Duration kStatusEvery = std::chrono::seconds(1);
// A manager asks for a sign of life in every half of its period (sd_watchdog_enabled(3)). A turn
// that comes just too early leaves it to the next one, hence a quarter.
constexpr int kTurnsInPeriod = 4;

struct Address {
    sockaddr_un name{};
    socklen_t size = 0;
};

std::optional<Address> address_of(const std::string& text) {
    Address address;
    address.name.sun_family = AF_UNIX;
    if ((!text.starts_with('/') && !text.starts_with('@')) || text == "@" ||
        text.size() >= sizeof address.name.sun_path) {
        return std::nullopt;
    }
    std::memcpy(address.name.sun_path, text.data(), text.size());
    if (text.starts_with('@')) {
        address.name.sun_path[0] = '\0';
    }
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
    return address;
}

long long whole_seconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

ServiceNotifier::ServiceNotifier(NotifierOptions options, const SinkActivity& activity)
    : options_(std::move(options)), activity_(activity) {
    if (options_.socket.empty()) {
        return;
    }
    if (address_of(options_.socket)) {
        descriptor_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
    if (descriptor_ < 0) {
        spdlog::warn(
            "NOTIFY_SOCKET: got \"{}\"; accepts the path of a Unix socket, or @NAME: the "
            "service manager is told nothing",
            options_.socket);
    }
    rhythm_ = kStatusEvery;
    if (options_.watchdog) {
        rhythm_ = std::min(rhythm_, *options_.watchdog / kTurnsInPeriod);
    }
}

ServiceNotifier::~ServiceNotifier() {
    if (descriptor_ >= 0) {
        close(descriptor_);
    }
}

std::optional<Duration> ServiceNotifier::wake_at_least_every() const {
    return descriptor_ >= 0 ? std::optional(rhythm_) : std::nullopt;
}

void ServiceNotifier::starting(std::string_view what) {
    send(fmt::format("STATUS={}\n", what));
}

void ServiceNotifier::ready(TimePoint now) {
    unsaid_ += "READY=1\n";
    turned(now, false);
}

void ServiceNotifier::batch_over(std::uint64_t number, std::size_t messages,
                                 Duration longest_hold) {
    if (messages > 0) {
        last_ = {number, messages, longest_hold};
        messages_ += messages;
    }
}

void ServiceNotifier::turned(TimePoint now, bool stopping) {
    if (stopping && !stopping_) {
        stopping_ = true;
        unsaid_ += "STOPPING=1\n";
        status_due_ = due_ = now;
    }
    if (descriptor_ < 0 || now < due_) {
        return;
    }
    due_ = now + rhythm_;
    const auto sink = activity_.status();
    auto text = unsaid_;
    if (options_.watchdog && !(options_.restart_for_sink && hangs(sink, now))) {
        text += "WATCHDOG=1\n";
    }
    auto current = status(sink, now);
    if (current != told_ && now >= status_due_) {
        text += fmt::format("STATUS={}\n", current);
        status_due_ = now + kStatusEvery;
    } else {
        current = told_;
    }
    if (!text.empty() && send(text)) {
        unsaid_.clear();
        told_ = std::move(current);
    }
}

// Longer than anything it is known to do takes. A sink that fails and is tried again does not hang:
// its calls return, and to start this program anew would mend nothing.
bool ServiceNotifier::hangs(const SinkStatus& sink, TimePoint now) const {
    return sink.called_since && now - *sink.called_since >= options_.stall_after;
}

std::string ServiceNotifier::status(const SinkStatus& sink, TimePoint now) const {
    if (hangs(sink, now)) {
        return fmt::format("the sink has had batch {} for {} s and does not answer; {}", sink.batch,
                           whole_seconds(now - sink.busy_since.value_or(now)), progress());
    }
    if (sink.failing_since) {
        return fmt::format("the sink has failed for {} s, batch {} is tried again: {}; {}",
                           whole_seconds(now - *sink.failing_since), sink.batch, sink.reason,
                           progress());
    }
    return stopping_ ? fmt::format("stopping; {}", progress()) : progress();
}

std::string ServiceNotifier::progress() const {
    if (!last_) {
        return "no message so far";
    }
    return fmt::format("batch {}: {} message{}, held {:.0f} ms; {} message{} so far", last_->number,
                       last_->messages, last_->messages == 1 ? "" : "s",
                       to_milliseconds(last_->longest_hold), messages_, messages_ == 1 ? "" : "s");
}

// False when it did not get through: a manager that has gone, or does not read at the moment.
bool ServiceNotifier::send(const std::string& text) const {
    const auto address = descriptor_ >= 0 ? address_of(options_.socket) : std::nullopt;
    return address && sendto(descriptor_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&address->name), address->size) >= 0;
}

}  // namespace blocky
