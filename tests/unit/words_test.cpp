// A command's text becomes the words that a shell would make of it, and nothing is expanded.
#include "consumer/sinks/words.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

using Strings = std::vector<std::string>;

Strings words(const std::string& text) {
    CAPTURE(text);
    auto result = split_words(text);
    REQUIRE(result);
    return *result;
}

std::string problem(const std::string& text) {
    CAPTURE(text);
    const auto result = split_words(text);
    REQUIRE_FALSE(result);
    return result.error();
}

TEST_CASE("blanks and newlines separate words") {
    CHECK(words("python3 model.py").size() == 2);
    CHECK(words("  a\t b \n c ") == Strings{"a", "b", "c"});
    CHECK(words("").empty());
    CHECK(words(" \t\n").empty());
}

TEST_CASE("single quotes keep all as it is") {
    CHECK(words(R"(jq '.messages[] | {ok: "\n"}')") ==
          Strings{"jq", R"(.messages[] | {ok: "\n"})"});
    CHECK(words("'' a''b 'c d'e") == Strings{"", "ab", "c de"});
}

TEST_CASE("in double quotes a backslash quotes only what would be special there") {
    CHECK(words(R"("a \"b\" \\ \$x \`y\` \n" "")") == Strings{R"(a "b" \ $x `y` \n)", ""});
    CHECK(words("\"a\\\nb\"") == Strings{"ab"});
    CHECK(words(R"("it's")") == Strings{"it's"});
}

TEST_CASE("elsewhere a backslash quotes any character") {
    CHECK(words(R"(a\ b \'c\' \\ \n \| \")") == Strings{"a b", "'c'", "\\", "n", "|", "\""});
    CHECK(words("a\\\nb \\\n c") == Strings{"ab", "c"});
}

TEST_CASE("nothing is expanded") {
    CHECK(words("$HOME ~ * {a,b} `x` \"$y\" #z a=b !") ==
          Strings{"$HOME", "~", "*", "{a,b}", "`x`", "$y", "#z", "a=b", "!"});
}

TEST_CASE("what only a shell understands is an error that names the way out") {
    for (const std::string text : {"a | b", "a&", "a;b", "a >b", "a <b", "(a)", "a b)"}) {
        CHECK(problem(text).find("exec-sh:") != std::string::npos);
    }
    CHECK(problem("a 'b") == "has a ' that is never closed");
    CHECK(problem("a \"b\\\"") == "has a \" that is never closed");
    CHECK(problem("a \"b\\") == "has a \" that is never closed");
    CHECK(problem("a \\") == "ends in a backslash");
}

}  // namespace
}  // namespace blocky::test
