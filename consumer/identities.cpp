// One look-up by connection for each request; the rest is compared with the one before.
#include "consumer/identities.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/invariant.hpp"

namespace blocky {

void Identities::follow(std::shared_ptr<const AllowList> list) {
    list_ = std::move(list);
    for (auto& [connection, identity] : identities_) {
        look_up(identity);
    }
}

void Identities::meet(std::string_view connection, std::string_view key) {
    auto& identity = identities_[std::string(connection)];
    identity.key = key;
    look_up(identity);
}

void Identities::forget(std::string_view connection) {
    if (const auto found = identities_.find(connection); found != identities_.end()) {
        identities_.erase(found);
    }
}

std::optional<Refusal> Identities::identify(std::string_view connection, DecodedBody& body) {
    const auto found = identities_.find(connection);
    invariant(found != identities_.end(), "a message of a connection that nobody has met");
    return identify(found->second, body);
}

std::optional<Refusal> Identities::identify_stranger(std::string_view key,
                                                     DecodedBody& body) const {
    Identity identity;
    identity.key = key;
    look_up(identity);
    return identify(identity, body);
}

void Identities::look_up(Identity& identity) const {
    const auto name = identity.key.empty() ? std::string_view() : list_->name_of(identity.key);
    identity.allowed = name.has_value();
    identity.name = name.value_or(std::string_view());
    identity.claim.clear();
}

std::optional<Refusal> Identities::identify(Identity& identity, DecodedBody& body) const {
    if (!identity.allowed) {
        return Refusal{ErrorCode::kBadRequest, "the key of this producer is not allowed any longer",
                       body.bundle ? std::string() : std::string(body.messages.front().request.id)};
    }
    for (auto& message : body.messages) {
        if (!message.refusal) {
            judge(identity, message);
        }
    }
    return std::nullopt;
}

void Identities::judge(Identity& identity, DecodedMessage& message) const {
    auto& claim = message.request.producer;
    if (!claim.empty() && claim != identity.name && claim != identity.claim) {
        if (list_->has_name(claim)) {
            message.refusal = Refusal{
                ErrorCode::kBadRequest,
                fmt::format("the name {} belongs to a key, and cannot be claimed by another",
                            claim),
                std::string(message.request.id)};
            return;
        }
        identity.claim = claim;
    }
    if (!identity.name.empty()) {
        claim = identity.name;
    }
}

}  // namespace blocky
