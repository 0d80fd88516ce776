// Virtual time: what happens next, and when. Two things at the same moment happen in the order in
// which they were planned, so that one seed is one run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "common/clock.hpp"

namespace blocky::simulation {

class Agenda {
public:
    TimePoint now() const { return now_; }

    // What is late happens at once.
    void at(TimePoint when, std::function<void()> what) {
        planned_.push_back({std::max(when, now_), next_++, std::move(what)});
        std::ranges::push_heap(planned_, later);
    }
    void in(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

    // The next thing happens; false when nothing is planned.
    bool step() {
        if (planned_.empty()) {
            return false;
        }
        std::ranges::pop_heap(planned_, later);
        const auto next = std::move(planned_.back());
        planned_.pop_back();
        now_ = next.when;
        next.what();
        return true;
    }

private:
    struct Plan {
        TimePoint when;
        std::uint64_t number = 0;
        std::function<void()> what;
    };

    static bool later(const Plan& one, const Plan& other) {
        return std::pair(one.when, one.number) > std::pair(other.when, other.number);
    }

    TimePoint now_ = TimePoint{} + std::chrono::hours(1);
    std::uint64_t next_ = 0;
    std::vector<Plan> planned_;  // a heap
};

}  // namespace blocky::simulation
