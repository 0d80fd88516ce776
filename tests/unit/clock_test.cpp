// How the logs write the time.
#include "common/clock.hpp"

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a timestamp is UTC with milliseconds, cut and not rounded") {
    using std::chrono::system_clock;
    CHECK(utc_timestamp(system_clock::from_time_t(0)) == "1970-01-01T00:00:00.000Z");
    CHECK(utc_timestamp(system_clock::from_time_t(1795433401) + 7ms) == "2026-11-23T11:30:01.007Z");
    CHECK(utc_timestamp(system_clock::from_time_t(1795433401) + 999'999us) ==
          "2026-11-23T11:30:01.999Z");
}

TEST_CASE("milliseconds keep their fraction") {
    CHECK(to_milliseconds(1500us) == doctest::Approx(1.5));
    CHECK(to_milliseconds(2s) == doctest::Approx(2000));
}

}  // namespace
}  // namespace blocky::test
