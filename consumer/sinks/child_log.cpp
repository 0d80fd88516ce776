// Cuts bytes into lines.
#include "consumer/sinks/child_log.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "consumer/sinks/printable.hpp"

namespace blocky {

void ChildLog::add(std::string_view bytes, TimePoint now) {
    while (!bytes.empty()) {
        const auto newline = bytes.find('\n');
        const auto piece = bytes.substr(0, newline);
        // A few bytes over the limit tell that something was cut off, and where a character ends.
        const auto room = kLongestLine + 4 - std::min(line_.size(), kLongestLine + 4);
        line_.append(piece.substr(0, room));
        if (newline == std::string_view::npos) {
            return;
        }
        end_line(now);
        bytes.remove_prefix(newline + 1);
    }
}

void ChildLog::finish(TimePoint now) {
    end_line(now);
    say_left_out();
}

void ChildLog::end_line(TimePoint now) {
    const auto line = std::exchange(line_, {});
    if (line.find_first_not_of("\r \t") == std::string::npos) {
        return;
    }
    if (lines_ == 0 || now - second_ >= std::chrono::seconds(1)) {
        say_left_out();
        second_ = now;
        lines_ = 0;
    }
    if (++lines_ > most_) {
        ++left_out_;
        return;
    }
    write_(printable(line.substr(0, line.find_last_not_of('\r') + 1), kLongestLine));
}

void ChildLog::say_left_out() {
    if (const auto count = std::exchange(left_out_, 0); count > 0) {
        write_(fmt::format("({} more lines, left out)", count));
    }
}

}  // namespace blocky
