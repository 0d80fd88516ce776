// What a child writes to its stderr, for our log: whole lines, bounded in length and in number, so
// that a child that goes wild costs neither memory nor a log full of it.
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

    // Lines go to `write`, made printable, without a newline.
    explicit ChildLog(Write write) : write_(std::move(write)) {}

    // The next bytes. Empty lines are left out.
    void add(std::string_view bytes, TimePoint now);
    // There will be no more bytes: a line without its newline is one, too.
    void finish(TimePoint now);

private:
    void end_line(TimePoint now);
    void say_left_out();

    Write write_;
    std::string line_;  // so far, at most one byte longer than the longest
    TimePoint second_;  // when the second in which lines are counted began
    std::uint64_t lines_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace blocky
