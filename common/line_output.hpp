// Writes whole lines to a descriptor without ever waiting for whoever reads it: a line that cannot
// be written now is dropped and counted. A pipe that nobody reads must not hold a batch up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace blocky {

class LineOutput {
public:
    // Writes to `descriptor`, which stays the caller's and keeps its blocking mode: that mode is
    // shared with every process that has it open, so a pipe or terminal is opened anew.
    explicit LineOutput(int descriptor);
    ~LineOutput();
    LineOutput(const LineOutput&) = delete;
    LineOutput& operator=(const LineOutput&) = delete;

    // Adds the newline. Lines are never cut short: the rest of one that did not fit goes first.
    // False, with errno set, when the line was dropped.
    bool write(std::string_view line) { return put(line, "\n"); }
    // The same without a newline: what is written next goes on from there.
    bool write_part(std::string_view text) { return put(text, ""); }

    std::uint64_t dropped() const { return dropped_; }

private:
    bool put(std::string_view text, std::string_view end);
    bool flush_rest();

    int descriptor_;
    bool own_ = false;       // descriptor_ is ours: non-blocking, to be closed
    bool may_block_ = true;  // ask before each write whether there is room
    std::string rest_;       // of a line that was written in part
    std::uint64_t dropped_ = 0;
};

}  // namespace blocky
