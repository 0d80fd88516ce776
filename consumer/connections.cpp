// Within a turn, what came before what on one descriptor is not known for messages and events
// together: a connection seen in this turn is taken for the latest that was accepted.
#include "consumer/connections.hpp"

#include <utility>

namespace blocky {

void Connections::seen(std::string_view connection, int descriptor) {
    auto& owner = owners_[descriptor];
    if (!owner.connection.empty()) {
        lose(owner.connection);  // another one speaks through its descriptor
    }
    owner = {std::string(connection), true, false};
    descriptors_.emplace(owner.connection, descriptor);
    touched_.push_back(descriptor);
}

void Connections::accepted(int descriptor) {
    const auto found = owners_.find(descriptor);
    if (found != owners_.end() && found->second.is_new) {
        found->second.has_ended = false;
    }
}

void Connections::ended(int descriptor) {
    const auto found = owners_.find(descriptor);
    if (found != owners_.end()) {
        found->second.has_ended = true;
        touched_.push_back(descriptor);
    }
}

std::vector<std::string> Connections::settle() {
    for (const int descriptor : std::exchange(touched_, {})) {
        const auto found = owners_.find(descriptor);
        if (found == owners_.end()) {
            continue;
        }
        found->second.is_new = false;
        if (found->second.has_ended) {
            lose(found->second.connection);
            owners_.erase(found);
        }
    }
    return std::exchange(lost_, {});
}

void Connections::lose(const std::string& connection) {
    descriptors_.erase(connection);
    lost_.push_back(connection);
}

}  // namespace blocky
