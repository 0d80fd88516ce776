// A table of those that are open, and what came for the others.
#include "consumer/sinks/pub_acks.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace blocky {

void PubAcks::expect(const std::vector<Publication>& publications) {
    const std::lock_guard lock(mutex_);
    open_.clear();
    for (std::size_t i = 0; i < publications.size(); ++i) {
        open_.emplace(publications[i].id, i);
    }
    acks_.assign(publications.size(), PubAck{});
    answers_ = 0;
    hopeless_ = false;
}

void PubAcks::note(std::string_view id, PubAck ack) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(id);
        if (found == open_.end()) {
            return;
        }
        hopeless_ = hopeless_ || ack.kind == PubAck::Kind::kUnanswered;
        acks_[found->second] = std::move(ack);
        open_.erase(found);
        ++answers_;
    }
    changed_.notify_one();
}

bool PubAcks::hopeless() {
    const std::lock_guard lock(mutex_);
    return hopeless_;
}

bool PubAcks::wait(std::size_t count, TimePoint deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [this, count] { return answers_ >= count; });
}

std::vector<PubAck> PubAcks::take(std::string_view reason) {
    const std::lock_guard lock(mutex_);
    open_.clear();
    auto acks = std::exchange(acks_, {});
    const auto silent = [](const PubAck& ack) {
        return ack.kind == PubAck::Kind::kUnanswered && ack.reason.empty();
    };
    const auto telling = std::ranges::find_if(acks, [&silent](const PubAck& ack) {
        return ack.kind == PubAck::Kind::kUnanswered && !silent(ack);
    });
    const auto why = telling == acks.end() ? std::string(reason) : telling->reason;
    for (auto& ack : acks) {
        if (silent(ack)) {
            ack.reason = why;
        }
    }
    return acks;
}

}  // namespace blocky
