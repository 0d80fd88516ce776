// A bucket of lines that fills by one a second.
#include "consumer/refused_keys.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace blocky {

std::optional<std::string> RefusedKeys::refused(const std::string& key, std::string_view address,
                                                TimePoint now) {
    if (said_.contains(key)) {
        return std::nullopt;
    }
    if (!take_line(now)) {
        ++unsaid_;
        return std::nullopt;
    }
    remember(key);
    auto line =
        fmt::format("refused a connection from {}: its key {} is not allowed", address, key);
    if (const auto unsaid = std::exchange(unsaid_, 0); unsaid > 0) {
        line += fmt::format(" (and {} connections since the last such line)", unsaid);
    }
    return line;
}

void RefusedKeys::forget() {
    said_.clear();
    oldest_first_.clear();
}

bool RefusedKeys::take_line(TimePoint now) {
    if (lines_ == kLinesAtOnce) {
        next_line_ = now + kLineEvery;
    } else if (now >= next_line_) {
        const auto more = 1 + static_cast<std::size_t>((now - next_line_) / kLineEvery);
        lines_ = std::min(kLinesAtOnce, lines_ + more);
        next_line_ += static_cast<Duration::rep>(more) * kLineEvery;
    }
    if (lines_ == 0) {
        return false;
    }
    --lines_;
    return true;
}

void RefusedKeys::remember(const std::string& key) {
    if (oldest_first_.size() == kRemembered) {
        said_.erase(oldest_first_.front());
        oldest_first_.pop_front();
    }
    said_.insert(key);
    oldest_first_.push_back(key);
}

}  // namespace blocky
