// A table by id.
#include "consumer/sinks/unanswered_ids.hpp"

#include <algorithm>

namespace blocky {

void UnansweredIds::add(std::string_view id, Sent sent) {
    ids_.try_emplace(std::string(id), sent);
}

void UnansweredIds::remove(std::string_view id) {
    const auto found = ids_.find(id);
    if (found != ids_.end()) {
        ids_.erase(found);
    }
}

void UnansweredIds::was_absent(std::string_view id, Sent then) {
    const auto found = ids_.find(id);
    if (found != ids_.end()) {
        found->second = then;
    }
}

void UnansweredIds::was_absent_up_to(std::string_view id, std::uint64_t sequence) {
    const auto found = ids_.find(id);
    if (found != ids_.end()) {
        found->second.after_sequence = std::max(found->second.after_sequence, sequence);
    }
}

std::optional<UnansweredIds::Sent> UnansweredIds::find(std::string_view id) const {
    const auto found = ids_.find(id);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

bool must_be_read_back(const UnansweredIds::Sent& sent, TimePoint now, Duration window) {
    return now - sent.first_at > window / 2;
}

}  // namespace blocky
