// A child's stderr becomes lines of our log, bounded in length and number.
#include "consumer/sinks/child_log.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

struct Logged {
    std::vector<std::string> lines;
    ChildLog log{[this](const std::string& line) { lines.push_back(line); }};
};

using Strings = std::vector<std::string>;

TEST_CASE("bytes become lines wherever they are cut") {
    Logged logged;
    logged.log.add("on", at(0s));
    CHECK(logged.lines.empty());
    logged.log.add("e\ntwo\r\n\n \nthr", at(0s));
    CHECK(logged.lines == Strings{"one", "two"});
    logged.log.finish(at(0s));
    CHECK(logged.lines == Strings{"one", "two", "thr"});
    logged.log.finish(at(0s));
    CHECK(logged.lines.size() == 3);
}

TEST_CASE("a line that never ends costs no memory and is cut off") {
    Logged logged;
    for (int i = 0; i < 1000; ++i) {
        logged.log.add(std::string(1000, 'x'), at(0s));
    }
    logged.log.add("\nnext\n", at(0s));
    CHECK(logged.lines == Strings{std::string(ChildLog::kLongestLine, 'x') + "…", "next"});
}

TEST_CASE("no character is cut in half, and a line that just fits is whole") {
    Logged logged;
    const std::string fits(ChildLog::kLongestLine - 1, 'x');
    logged.log.add(fits + "é\n" + fits + "y\n", at(0s));
    CHECK(logged.lines == Strings{fits + "…", fits + "y"});
}

TEST_CASE("control characters do not reach the terminal") {
    Logged logged;
    logged.log.add(
        "\x1B[31mred\x07\tand\x7F\n\xC2\x9B"
        "1m\xC2\x80\xC2\x9F \u00A0é\xC2\n",
        at(0s));
    CHECK(logged.lines == Strings{"?[31mred? and?", "?1m?? \u00A0é\xC2"});
}

TEST_CASE("more lines than a second may have are counted, and said when it is over") {
    Logged logged;
    for (std::uint64_t i = 0; i < ChildLog::kMostLinesPerSecond + 7; ++i) {
        logged.log.add("x\n", at(0s));
    }
    CHECK(logged.lines.size() == ChildLog::kMostLinesPerSecond);
    logged.log.add("later\n", at(1s));
    REQUIRE(logged.lines.size() == ChildLog::kMostLinesPerSecond + 2);
    CHECK(logged.lines[logged.lines.size() - 2] == "(7 more lines, left out)");
    CHECK(logged.lines.back() == "later");
}

}  // namespace
}  // namespace blocky::test
