// Counts time without a connection.
#include "producer/reach.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace blocky {
namespace {

// With several consumers to choose from, one that cannot be reached is left after this.
constexpr Duration kFailOverAfter = std::chrono::seconds(1);
// A consumer that is just being restarted is not worth a line.
constexpr Duration kSayUnreachableAfter = std::chrono::seconds(2);

}  // namespace

void Reach::connection_made() {
    connected_ = true;
    if (std::exchange(said_unreachable_, false)) {
        spdlog::info("connected to {}", endpoint());
    }
}

void Reach::connection_broke(TimePoint now) {
    connected_ = false;
    since_ = now;
}

void Reach::complain(TimePoint now) {
    if (!connected_ && !said_unreachable_ && now - since_ >= kSayUnreachableAfter) {
        said_unreachable_ = true;
        spdlog::warn("no connection to {}; trying on", endpoint());
    }
}

Duration Reach::patience() const {
    return has_other() ? std::min(kFailOverAfter, options_.timeout) : options_.timeout;
}

void Reach::next(TimePoint now) {
    endpoint_ = (endpoint_ + 1) % options_.endpoints.size();
    connected_ = false;
    since_ = now;
}

TimePoint Reach::due() const {
    if (connected_) {
        return TimePoint::max();
    }
    const auto lost_at = since_ + patience();
    return said_unreachable_ ? lost_at : std::min(lost_at, since_ + kSayUnreachableAfter);
}

}  // namespace blocky
