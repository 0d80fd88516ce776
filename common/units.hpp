// Durations, sizes and counts as people write them on a command line: 500us, 16MiB, 10000.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace blocky {

// What each parser accepts, as an error message or --help may quote it.
inline constexpr std::string_view kDurationForm = "a number with us, ms, s, m or h";
inline constexpr std::string_view kSizeForm = "bytes, or a number with KiB, MiB or GiB";

// "500us", "10ms", "1.5s", "2m", "1h"; at most 100 years, never negative. Anything else: nothing.
std::optional<Duration> parse_duration(std::string_view text);

// "4096", "64KiB", "1.5MiB", "1GiB" (1024), and "64KB", "1MB", "1GB" (1000); at most 2^60 bytes.
std::optional<std::uint64_t> parse_size(std::string_view text);

// Decimal digits only, from `least` to 2^53 (what JSON readers in every language hold exactly).
std::optional<std::uint64_t> parse_count(std::string_view text, std::uint64_t least);

// A duration for a person: "998 ms", "1.5 s", "2 m".
std::string describe(Duration duration);

}  // namespace blocky
