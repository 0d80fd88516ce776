// Durations, sizes and counts as people write them, and as the programs print them.
#include "common/units.hpp"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a duration is a number with a unit") {
    const std::vector<std::pair<std::string, Duration>> durations{
        {"500us", 500us}, {"10ms", 10ms},    {"1s", 1s},          {"2m", 2min}, {"1h", 1h},
        {"1.5s", 1500ms}, {"0.25ms", 250us}, {"0s", 0s},          {"0us", 0us}, {"007s", 7s},
        {"90m", 90min},   {"0.001us", 1ns},  {"876000h", 876000h}};
    for (const auto& [text, duration] : durations) {
        CAPTURE(text);
        CHECK(parse_duration(text) == duration);
    }
}

TEST_CASE("what is no duration is refused") {
    for (const std::string text :
         {"",     "1",    "s",    "ms",   "-1s",  "+1s",     " 1s",     "1s ",
          "1 s",  "1S",   "1sec", "1d",   "1ns",  ".5s",     "5.s",     "1.2.3s",
          "1e3s", "0x1s", "nans", "infs", "1s1s", "forever", "876001h", "99999999999999999999h",
          "1,5s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text));
    }
    CHECK_FALSE(parse_duration(std::string(400, '9') + "s"));
    CHECK_FALSE(parse_duration(std::string("1s\0", 3)));
}

TEST_CASE("a size is a number of bytes, or has a binary or decimal unit") {
    const std::vector<std::pair<std::string, std::uint64_t>> sizes{{"0", 0},
                                                                   {"1", 1},
                                                                   {"4096", 4096},
                                                                   {"12B", 12},
                                                                   {"64KiB", 65536},
                                                                   {"1.5MiB", 3U << 19U},
                                                                   {"1GiB", 1U << 30U},
                                                                   {"64KB", 64'000},
                                                                   {"1MB", 1'000'000},
                                                                   {"2GB", 2'000'000'000},
                                                                   {"1073741824GiB", 1ULL << 60U}};
    for (const auto& [text, size] : sizes) {
        CAPTURE(text);
        CHECK(parse_size(text) == size);
    }
}

TEST_CASE("what is no size is refused") {
    for (const std::string text : {"", "MiB", "-1", "1kib", "1TiB", "1 MiB", "1e6", "0x10", "1,000",
                                   "1073741825GiB", "99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_size(text));
    }
}

TEST_CASE("a count is digits, from the least that makes sense to 2^53") {
    CHECK(parse_count("0", 0) == 0U);
    CHECK(parse_count("10000", 1) == 10'000U);
    CHECK(parse_count("9007199254740992", 0) == 1ULL << 53U);
    CHECK_FALSE(parse_count("0", 1));
    CHECK_FALSE(parse_count("9007199254740993", 0));
    for (const std::string text :
         {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "ten", "18446744073709551616"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_count(text, 0));
    }
}

TEST_CASE("a duration for a person has the unit that suits its length") {
    CHECK(describe(0ms) == "0.0 ms");
    CHECK(describe(100us) == "0.1 ms");
    CHECK(describe(998ms) == "998 ms");
    CHECK(describe(12'345ms) == "12.3 s");
    CHECK(describe(5min) == "5.0 m");
}

}  // namespace
}  // namespace blocky::test
