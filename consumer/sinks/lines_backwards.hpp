// Reads a file of lines from its end toward its beginning, block by block, for as many lines as are
// wanted and as long as there is time: how large the file is makes no difference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "common/clock.hpp"
#include "consumer/sinks/file_system.hpp"

namespace blocky {

struct BackwardsLimits {
    std::uint64_t lines = 0;             // visited at most
    TimePoint until = TimePoint::max();  // no block is read later than this, but the first
    std::size_t head_bytes = 1024;       // shown of a line
    std::size_t block_bytes = std::size_t{1} << 22U;
};

enum class BackwardsEnd { kBeginningOfFile, kLines, kTime };

// Calls `visit` with the beginning of each line, at most `head_bytes` of it and of what follows it,
// from the last line to the first. The file's first `end` bytes count, the last of them a newline.
// Returns which limit ended it. Takes head_bytes + block_bytes of memory.
IoResult<BackwardsEnd> visit_lines_backwards(
    File& file, std::uint64_t end, const BackwardsLimits& limits,
    const std::function<void(std::string_view head)>& visit);

// How many of the file's first `size` bytes are whole lines: up to and with the last newline.
// Nothing: that is further back than `most` bytes, and was not looked for there.
IoResult<std::optional<std::uint64_t>> end_of_last_line(File& file, std::uint64_t size,
                                                        std::uint64_t most);

// Reads exactly so many bytes; a file that has fewer is an error.
std::error_code read_all(File& file, std::uint64_t at, std::span<char> into);

}  // namespace blocky
