// timerfd_create(2).
#include "consumer/timer.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace blocky {

// std::chrono::steady_clock is CLOCK_MONOTONIC with libstdc++ on Linux.
Timer::Timer() : descriptor_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category(), "timerfd_create");
    }
}

Timer::~Timer() {
    close(descriptor_);
}

void Timer::arm(std::optional<TimePoint> at) {
    if (at == armed_) {
        return;
    }
    armed_ = at;
    itimerspec spec{};
    if (at) {
        constexpr std::int64_t kSecond = 1'000'000'000;
        // All zero would disarm.
        const auto nanoseconds = std::max<std::int64_t>(at->time_since_epoch().count(), 1);
        spec.it_value.tv_sec = nanoseconds / kSecond;
        spec.it_value.tv_nsec = nanoseconds % kSecond;
    }
    if (timerfd_settime(descriptor_, TFD_TIMER_ABSTIME, &spec, nullptr) != 0) {
        throw std::system_error(errno, std::generic_category(), "timerfd_settime");
    }
}

}  // namespace blocky
