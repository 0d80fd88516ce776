// A consumer with another key than it should have breaks the handshake off without a word; so does
// one that is killed meanwhile, or a proxy whose consumer is away; and where one side speaks CURVE
// and the other does not, it is a matter of luck who learns of it. So who is cut off asks: a
// consumer that answers at that very moment is there.
#include "producer/access.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/endpoint.hpp"
#include "producer/greeting.hpp"

namespace blocky {
namespace {

constexpr unsigned kCutsAtMost = 5;
constexpr Duration kAskFor = std::chrono::seconds(1);

}  // namespace

Access::Access(const ClientOptions& options)
    : options_(options), consumers_(options.endpoints.size()) {}

bool Access::refused(const ConnectionEvents& events, std::size_t endpoint) {
    if (events.connected) {
        consumers_.assign(consumers_.size(), {});
        return false;
    }
    const auto failure =
        events.failure == HandshakeFailure::kCut ? reason_of_cut(endpoint) : events.failure;
    if (failure == HandshakeFailure::kNone) {
        return false;
    }
    consumers_[endpoint] = {true, 0};
    latest_ = sentence(failure, options_.endpoints[endpoint]);
    return true;
}

// Nothing, unless it is sure. With the right mechanism one cut may be an accident; several in a row
// by who answered each time are none.
HandshakeFailure Access::reason_of_cut(std::size_t endpoint) {
    const auto& name = options_.endpoints[endpoint];
    const auto mechanism = speaks_curve(name) ? mechanism_at(name, kAskFor) : std::nullopt;
    auto& cuts = consumers_[endpoint].cuts;
    if (mechanism != "NULL" && mechanism != "CURVE") {
        cuts = 0;
        return HandshakeFailure::kNone;
    }
    if ((mechanism == "CURVE") != options_.curve.has_value()) {
        return HandshakeFailure::kMechanism;
    }
    cuts += options_.curve ? 1U : 0U;
    return cuts < kCutsAtMost ? HandshakeFailure::kNone : HandshakeFailure::kCrypto;
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
