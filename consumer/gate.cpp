// Passes on.
#include "consumer/gate.hpp"

namespace blocky {

Gate::Gate(const Authenticator* authenticator) : authenticator_(authenticator) {
    if (authenticator_ != nullptr) {
        version_ = authenticator_->version();
        identities_.emplace(authenticator_->list());
    }
}

void Gate::reload() const {
    if (authenticator_ != nullptr) {
        authenticator_->reload();
    }
}

void Gate::follow() {
    if (authenticator_ != nullptr && authenticator_->version() != version_) {
        version_ = authenticator_->version();
        identities_->follow(authenticator_->list());
    }
}

void Gate::meet(const Request& request) {
    if (identities_) {
        identities_->meet(request.envelope.connection(), user_id(request));
    }
}

void Gate::forget(std::string_view connection) {
    if (identities_) {
        identities_->forget(connection);
    }
}

// A message can be read after its connection has ended, and after another one took the name that
// ZeroMQ has for it: then the message itself is asked.
std::optional<Refusal> Gate::identify(const Request& request, DecodedBody& body) {
    if (!identities_) {
        return std::nullopt;
    }
    const auto connection = request.envelope.connection();
    return identities_->knows(connection) ? identities_->identify(connection, body)
                                          : identities_->identify_stranger(user_id(request), body);
}

}  // namespace blocky
