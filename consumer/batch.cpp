// The plain values' few functions.
#include "consumer/batch.hpp"

#include <algorithm>

namespace blocky {

std::string_view TextStore::keep(std::string_view text) {
    constexpr std::size_t kBlock = 16 * std::size_t{1024};
    std::span<char> place = free_;
    if (text.size() > free_.size()) {
        // A long text gets a block of its own, and the one in use stays in use.
        const bool is_long = text.size() > kBlock / 4;
        const auto size = is_long ? text.size() : kBlock;
        blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
        place = {blocks_.back().get(), size};
        free_ = is_long ? free_ : place;
    }
    std::ranges::copy(text, place.begin());
    if (place.data() == free_.data()) {
        free_ = free_.subspan(text.size());
    }
    return {place.data(), text.size()};
}

std::string_view to_string(Trigger trigger) {
    switch (trigger) {
        case Trigger::kTimer:
            return "timer";
        case Trigger::kItems:
            return "items";
        case Trigger::kBytes:
            return "bytes";
        case Trigger::kBarrier:
            return "barrier";
        case Trigger::kDrain:
            return "drain";
    }
    return "unknown";
}

}  // namespace blocky
