// Which held messages expire when. Entries of messages that have been released in the meantime are
// left where they are until there are more of them than of others. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/clock.hpp"

namespace blocky {

class Expiry {
public:
    void add(TimePoint when, std::uint64_t number) {
        entries_.push_back({when, number});
        std::ranges::push_heap(entries_, std::greater<>());
    }

    // The earliest; nothing when there is none.
    std::optional<TimePoint> next() const {
        return entries_.empty() ? std::nullopt : std::optional(entries_.front().when);
    }

    // The message that has expired by `now` and was not returned yet; nothing when there is none.
    std::optional<std::uint64_t> take(TimePoint now) {
        if (entries_.empty() || entries_.front().when > now) {
            return std::nullopt;
        }
        std::ranges::pop_heap(entries_, std::greater<>());
        const auto number = entries_.back().number;
        entries_.pop_back();
        return number;
    }

    // Keeps memory in proportion to the messages that are `held`: drops the entries of all others
    // once they are the greater part.
    template <typename IsHeld>
    void tidy(std::size_t held, IsHeld is_held) {
        constexpr std::size_t kNotWorthIt = 1024;
        if (entries_.size() > 2 * held + kNotWorthIt) {
            std::erase_if(entries_, [&](const Entry& entry) { return !is_held(entry.number); });
            std::ranges::make_heap(entries_, std::greater<>());
        }
    }

private:
    struct Entry {
        TimePoint when;
        std::uint64_t number;
        // Not a defaulted <=>, in which clang-tidy 14 sees a null pointer.
        bool operator>(const Entry& other) const {
            return when != other.when ? when > other.when : number > other.number;
        }
    };
    std::vector<Entry> entries_;  // a heap with the earliest in front
};

}  // namespace blocky
