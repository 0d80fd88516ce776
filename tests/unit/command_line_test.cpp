// The kinds of options there are, apart from the programs that have them.
#include "common/command_line.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/parse_options.hpp"

namespace blocky::test {
namespace {

using Strings = std::vector<std::string>;

struct Line {
    Line() {
        line.add({"--one", "N", "1", "anything but \"bad\"", "One value"},
                 [this](const std::string& value) {
                     one = value;
                     return value != "bad";
                 });
        line.add_repeatable({"--many", "N", "", "anything", "Many values"},
                            [this](const std::string& value) {
                                many.push_back(value);
                                return true;
                            });
        line.add_with_optional_value({"--maybe", "N", "", "digits", "A value or none"}, "implied",
                                     [this](const std::string& value) {
                                         maybe = value;
                                         return value != "bad";
                                     });
        line.add_flag("--flag", flag, "No value");
        line.add_environment_and_config();
    }
    void parse(const Strings& arguments) {
        std::vector<const char*> argv{"program"};
        for (const auto& argument : arguments) {
            argv.push_back(argument.c_str());
        }
        CHECK(line.parse(static_cast<int>(argv.size()), argv.data()));
    }

    CommandLine line{"program", "What it does."};
    std::string one;
    Strings many;
    std::string maybe = "absent";
    bool flag = false;
};

TEST_CASE("what is not given is left as it was") {
    Line line;
    line.parse({});
    CHECK(line.one.empty());
    CHECK(line.many.empty());
    CHECK(line.maybe == "absent");
    CHECK_FALSE(line.flag);
    CHECK_FALSE(line.line.given("--one"));
}

TEST_CASE("what is given is known to be, wherever it was given") {
    Line line;
    const EnvironmentVariable variable("BLOCKY_MANY", "a b");
    line.parse({"--one", "x"});
    CHECK(line.line.given("--one"));
    CHECK(line.line.given("--many"));
    CHECK_FALSE(line.line.given("--flag"));
    CHECK(line.many == Strings{"a", "b"});
}

TEST_CASE("an option with an optional value stands for what it implies without one") {
    const auto maybe = [](const Strings& arguments) {
        Line line;
        line.parse(arguments);
        return line.maybe;
    };
    CHECK(maybe({"--maybe"}) == "implied");
    CHECK(maybe({"--maybe", "--flag"}) == "implied");
    CHECK(maybe({"--maybe=5"}) == "5");
    CHECK(maybe({"--maybe=5", "--maybe"}) == "implied");
    const EnvironmentVariable variable("BLOCKY_MAYBE", "7");
    CHECK(maybe({}) == "7");
    CHECK(maybe({"--maybe"}) == "implied");
}

TEST_CASE("the environment may say true where an option needs no value") {
    const EnvironmentVariable variable("BLOCKY_MAYBE", "true");
    Line line;
    line.parse({});
    CHECK(line.maybe == "implied");
}

TEST_CASE("a value may stand behind a space or an equals sign, and look like anything") {
    Line line;
    line.parse({"--many", "a=b", "--many=c d", "--many", "", "--many=-x"});
    CHECK(line.many == Strings{"a=b", "c d", "", "-x"});
}

}  // namespace
}  // namespace blocky::test
