// What is said of an outage: its beginning, its end, a new reason, what was given up; not each try.
#include "consumer/outage_log.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/captured_log.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

constexpr Stake kStake{7, 120, 3};

TEST_CASE("a short outage is said once, whatever the number of tries, and its end once") {
    CapturedLog log;
    OutageLog outage("the sink", std::nullopt);
    outage.worked(at(0s));
    for (int i = 0; i < 100; ++i) {
        outage.failed("the disk is full", kStake, at(i * 500ms));
    }
    REQUIRE(log.lines().size() == 1);
    CHECK(log.lines()[0] ==
          "warning: the sink fails: the disk is full. The producers stay held (120 messages of 3 "
          "producers in batch 7) while it is tried again, until it works");
    outage.worked(at(100s));
    outage.worked(at(101s));
    REQUIRE(log.lines().size() == 2);
    CHECK(contains(log.lines()[1], "info: the sink works again"));
    CHECK(contains(log.lines()[1], "100 tries"));
    CHECK(contains(log.lines()[1], "nothing was given up"));
    outage.failed("the disk is full", kStake, at(102s));
    CHECK(log.lines().size() == 3);
}

TEST_CASE("one that lasts is recalled, ever more seldom") {
    CapturedLog log;
    OutageLog outage("the sink", std::nullopt);
    std::vector<int> said_at;  // seconds
    for (int second = 0; second < 4 * 3600; second += 5) {
        const auto before = log.lines().size();
        outage.failed("the disk is full", kStake, at(second * 1s));
        if (log.lines().size() > before) {
            said_at.push_back(second);
        }
    }
    CHECK(said_at == std::vector{0, 60, 600, 3600, 7200, 10800});
    CHECK(log.lines()[1] ==
          "warning: the sink still fails, after 60.0 s and 13 tries: the disk is full");
    // After a long time without a try it is not said more than once.
    outage.failed("the disk is full", kStake, at(10h));
    outage.failed("the disk is full", kStake, at(10h + 1s));
    CHECK(log.lines().size() == said_at.size() + 1);
}

TEST_CASE("a reason that has its own full stop does not get another") {
    CapturedLog log;
    for (const std::string reason : {"is it there?", "it is gone.", "no!"}) {
        OutageLog("the sink", std::nullopt).failed(reason, kStake, at(0s));
        CHECK(contains(log.lines().back(), ": " + reason + " The producers"));
    }
}

TEST_CASE("a new reason is said, but not more than once in ten seconds") {
    CapturedLog log;
    OutageLog outage("the sink", 30s);
    outage.failed("reason 0", kStake, at(0s));
    CHECK(contains(log.lines()[0], "for 30.0 s (--retry-for)"));
    for (int i = 1; i < 100; ++i) {
        outage.failed("reason " + std::to_string(i), kStake, at(i * 100ms));
    }
    CHECK(log.lines().size() == 1);
    outage.failed("reason 100", kStake, at(10s));
    REQUIRE(log.lines().size() == 2);
    CHECK(contains(log.lines()[1], "still fails, after 10.0 s and 101 tries: reason 100"));
    outage.failed("reason 100", kStake, at(30s));
    CHECK(log.lines().size() == 2);
}

TEST_CASE("what is given up is said with what to do, then counted") {
    CapturedLog log;
    OutageLog outage("the sink", 30s);
    outage.failed("the disk is full", kStake, at(0s));
    outage.gave_up(kStake, at(30s));
    REQUIRE(log.lines().size() == 2);
    const auto line = log.lines()[1];
    CHECK(line.starts_with("error: the sink has failed for 30.0 s"));
    CHECK(contains(line, "--retry-for forever"));
    CHECK(contains(line, "batch 7"));
    CHECK(contains(line, "120 messages"));
    CHECK(contains(line, "sink_failed"));
    CHECK(contains(line, "same id is safe"));
    CHECK(contains(line, "the disk is full"));
    outage.gave_up(kStake, at(31s));
    CHECK(log.lines().size() == 2);
    outage.gave_up(kStake, at(40s));
    REQUIRE(log.lines().size() == 3);
    CHECK(contains(log.lines()[2], "3 batches (360 messages)"));
    outage.worked(at(41s));
    CHECK(contains(log.lines()[3], "3 batches (360 messages) were given up"));
}

}  // namespace
}  // namespace blocky::test
