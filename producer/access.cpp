// A consumer with another key than it should have breaks the handshake off without a word, and so
// does one that is killed meanwhile, or a proxy whose consumer is away. What tells them apart: who
// speaks CURVE at that very moment is there. Some of them in a row are no accident.
#include "producer/access.hpp"

#include <poll.h>

#include <algorithm>

#include <fmt/format.h>

#include "common/endpoint.hpp"

namespace blocky {
namespace {

constexpr unsigned kCutsAtMost = 5;
constexpr Duration kAskFor = std::chrono::seconds(1);

// Greets without encryption, which who speaks CURVE answers with that.
bool asks_for_curve(zmq::context_t& context, const std::string& endpoint) {
    MonitoredSocket socket(context, zmq::socket_type::dealer);
    socket.connect(endpoint, std::nullopt);
    const auto end = Clock::now() + kAskFor;
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
        const auto events = socket.take_events();
        if (events.connected || events.failure == HandshakeFailure::kMechanism) {
            return !events.connected;
        }
        pollfd item{socket.monitor_descriptor(), POLLIN, 0};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now);
        poll(&item, 1, static_cast<int>(left.count()));
    }
    return false;
}

}  // namespace

Access::Access(zmq::context_t& context, const ClientOptions& options)
    : context_(context), options_(options), consumers_(options.endpoints.size()) {}

bool Access::refused(const ConnectionEvents& events, std::size_t endpoint) {
    if (events.connected) {
        consumers_.assign(consumers_.size(), {});
        return false;
    }
    if (!counts_as_refusal(events.failure, endpoint)) {
        return false;
    }
    consumers_[endpoint] = {true, 0};
    latest_ = sentence(events.failure, options_.endpoints[endpoint]);
    return true;
}

bool Access::counts_as_refusal(HandshakeFailure failure, std::size_t endpoint) {
    if (failure != HandshakeFailure::kCut) {
        return failure != HandshakeFailure::kNone;
    }
    const auto& name = options_.endpoints[endpoint];
    if (!options_.curve || !speaks_curve(name)) {
        return false;
    }
    auto& cuts = consumers_[endpoint].cuts;
    cuts = asks_for_curve(context_, name) ? cuts + 1 : 0;
    return cuts >= kCutsAtMost;
}

std::optional<std::string> Access::take_refusal() {
    if (!std::ranges::all_of(consumers_, &Consumer::refuses)) {
        return std::nullopt;
    }
    consumers_.assign(consumers_.size(), {});
    return latest_;
}

std::string Access::sentence(HandshakeFailure failure, const std::string& endpoint) const {
    const bool encrypted = options_.curve && speaks_curve(endpoint);
    switch (failure) {
        case HandshakeFailure::kKey:
            return encrypted
                       ? fmt::format("the consumer at {} does not allow this producer's key {}",
                                     endpoint, options_.curve->keys.public_key)
                       : fmt::format("the consumer at {} does not let this producer in", endpoint);
        case HandshakeFailure::kMechanism:
            return encrypted ? fmt::format("the consumer at {} does not speak CURVE", endpoint)
                             : fmt::format(
                                   "the consumer at {} wants connections encrypted, for which "
                                   "its public key is needed (--curve-server-key)",
                                   endpoint);
        default:
            return fmt::format("the consumer at {} has not the key {} (--curve-server-key)",
                               endpoint, encrypted ? options_.curve->server_key : "expected");
    }
}

}  // namespace blocky
