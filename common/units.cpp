// Parses and prints durations, sizes and counts.
#include "common/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace blocky {
namespace {

template <std::size_t N>
using Units = std::array<std::pair<std::string_view, std::int64_t>, N>;

constexpr Units<5> kDurationUnits{{{"us", 1'000},
                                   {"ms", 1'000'000},
                                   {"s", 1'000'000'000},
                                   {"m", 60'000'000'000},
                                   {"h", 3'600'000'000'000}}};
constexpr Units<8> kSizeUnits{{{"", 1},
                               {"B", 1},
                               {"KiB", 1LL << 10U},
                               {"MiB", 1LL << 20U},
                               {"GiB", 1LL << 30U},
                               {"KB", 1'000},
                               {"MB", 1'000'000},
                               {"GB", 1'000'000'000}}};
constexpr std::int64_t kMaxNanoseconds = 100LL * 365 * 24 * 3600 * 1'000'000'000;
constexpr std::int64_t kMaxBytes = 1LL << 60U;
constexpr std::uint64_t kMaxCount = 1ULL << 53U;

// Digits with at most one point between them, then one of `units`; nothing when it is not that.
template <std::size_t N>
std::optional<std::int64_t> parse_quantity(std::string_view text, const Units<N>& units,
                                           std::int64_t most) {
    const auto number_end = text.find_first_not_of("0123456789.");
    const auto number = text.substr(0, number_end);
    const auto unit = number_end == std::string_view::npos ? "" : text.substr(number_end);
    if (number.empty() || number.front() == '.' || number.back() == '.') {
        return std::nullopt;
    }
    double amount = 0;
    const auto* const end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, amount);
    if (error != std::errc{} || stop != end) {
        return std::nullopt;
    }
    for (const auto& [name, factor] : units) {
        if (name == unit) {
            const double scaled = std::round(amount * static_cast<double>(factor));
            if (scaled > static_cast<double>(most)) {
                return std::nullopt;
            }
            return static_cast<std::int64_t>(scaled);
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    const auto count = parse_quantity(text, kDurationUnits, kMaxNanoseconds);
    return count ? std::optional(Duration(*count)) : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto count = parse_quantity(text, kSizeUnits, kMaxBytes);
    return count ? std::optional(static_cast<std::uint64_t>(*count)) : std::nullopt;
}

std::optional<std::uint64_t> parse_count(std::string_view text, std::uint64_t least) {
    std::uint64_t count = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc{} || stop != end || count < least || count > kMaxCount) {
        return std::nullopt;
    }
    return count;
}

std::string describe(Duration duration) {
    const double milliseconds = to_milliseconds(duration);
    if (milliseconds < 10) {
        return fmt::format("{:.1f} ms", milliseconds);
    }
    if (milliseconds < 10'000) {
        return fmt::format("{:.0f} ms", milliseconds);
    }
    if (milliseconds < 120'000) {
        return fmt::format("{:.1f} s", milliseconds / 1e3);
    }
    return fmt::format("{:.1f} m", milliseconds / 60e3);
}

}  // namespace blocky
