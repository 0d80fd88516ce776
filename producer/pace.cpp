// The time of the next message.
#include "producer/pace.hpp"

#include <poll.h>

#include <algorithm>
#include <ctime>

namespace blocky {
namespace {

// What a late wake-up has cost is caught up, what waiting for replies has cost is not.
constexpr Duration kLatestWakeUp = std::chrono::milliseconds(5);

}  // namespace

Pace::Pace(std::optional<double> rate) {
    if (rate) {
        spacing_ = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1.0 / *rate));
        next_ = Clock::now();
    }
}

bool Pace::wait(int stop_descriptor) const {
    for (auto now = spacing_ ? Clock::now() : next_; now < next_; now = Clock::now()) {
        pollfd item{stop_descriptor, POLLIN, 0};
        const auto seconds = std::chrono::floor<std::chrono::seconds>(next_ - now);
        const timespec left{seconds.count(), (next_ - now - seconds).count()};
        if (ppoll(&item, 1, &left, nullptr) > 0) {
            return false;
        }
    }
    return true;
}

void Pace::take() {
    if (spacing_) {
        next_ = std::max(next_ + *spacing_, Clock::now() - kLatestWakeUp);
    }
}

}  // namespace blocky
