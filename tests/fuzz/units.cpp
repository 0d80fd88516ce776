// Any text as a duration, a size and a count: a number within its limits, in agreement with
// strtold, or nothing.
#include "common/units.hpp"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/fuzz/demand.hpp"

namespace blocky::fuzz {
namespace {

constexpr std::string_view kNumber = "0123456789.";
constexpr double kYear = 365 * 24 * 3600e9;

// What the number in front comes to by another library.
long double amount_in(std::string_view text) {
    const std::string number(text.substr(0, text.find_first_not_of(kNumber)));
    return std::strtold(number.c_str(), nullptr);
}

std::string_view unit_in(std::string_view text) {
    const auto end = text.find_first_not_of(kNumber);
    return end == std::string_view::npos ? std::string_view() : text.substr(end);
}

void check_near(long double found, long double expected) {
    demand(std::fabs(found - expected) <= 1 + expected * 1e-12L, "a quantity is what it says");
}

void check_duration(std::string_view text) {
    const auto duration = parse_duration(text);
    if (!duration) {
        return;
    }
    const auto unit = unit_in(text);
    const long double factor = unit == "us"   ? 1e3L
                               : unit == "ms" ? 1e6L
                               : unit == "s"  ? 1e9L
                               : unit == "m"  ? 60e9L
                                              : 3600e9L;
    demand(duration->count() >= 0 && static_cast<double>(duration->count()) <= 100 * kYear,
           "a duration is within its limits");
    check_near(static_cast<long double>(duration->count()), amount_in(text) * factor);
    demand(!describe(*duration).empty(), "a duration can be told");
}

void check_size(std::string_view text) {
    const auto size = parse_size(text);
    if (!size) {
        return;
    }
    const auto unit = unit_in(text);
    const bool binary = unit.size() == 3;
    const long double base = binary ? 1024 : 1000;
    const int power = unit.size() < 2 ? 0 : unit[0] == 'K' ? 1 : unit[0] == 'M' ? 2 : 3;
    demand(*size <= 1ULL << 60U, "a size is within its limits");
    check_near(static_cast<long double>(*size), amount_in(text) * std::pow(base, power));
}

void check_count(std::string_view text, std::uint64_t least) {
    const auto count = parse_count(text, least);
    if (!count) {
        return;
    }
    demand(*count >= least && *count <= 1ULL << 53U, "a count is within its limits");
    demand(text.find_first_not_of("0123456789") == std::string_view::npos,
           "a count has digits only");
    demand(*count == std::strtoull(std::string(text).c_str(), nullptr, 10),
           "a count is what it says");
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = blocky::fuzz::text_of(data, size);
    blocky::fuzz::check_duration(text);
    blocky::fuzz::check_size(text);
    blocky::fuzz::check_count(text, 0);
    blocky::fuzz::check_count(text, 10);
    return 0;
}
