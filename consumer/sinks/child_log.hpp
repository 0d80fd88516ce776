// What a child writes to its stderr, or a server has to say, for our log: whole lines, bounded in
// length and in number, so that one that goes wild costs neither memory nor a log full of it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace blocky {

class ChildLog {
public:
    static constexpr std::size_t kLongestLine = 1000;          // bytes; the rest is cut off
    static constexpr std::uint64_t kMostLinesPerSecond = 500;  // more are counted and left out

    using Write = std::function<void(const std::string& line)>;

    // Lines go to `write`, made printable, without a newline; at most so many a second.
    explicit ChildLog(Write write, std::uint64_t most_per_second = kMostLinesPerSecond)
        : write_(std::move(write)), most_(most_per_second) {}

    // The next bytes. Empty lines are left out.
    void add(std::string_view bytes, TimePoint now);
    // There will be no more bytes: a line without its newline is one, too.
    void finish(TimePoint now);

private:
    void end_line(TimePoint now);
    void say_left_out();

    Write write_;
    std::uint64_t most_;
    std::string line_;  // so far, at most one byte longer than the longest
    TimePoint second_;  // when the second in which lines are counted began
    std::uint64_t lines_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace blocky
