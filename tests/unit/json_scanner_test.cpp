// The text of a value's parts, exactly as it stands, and how deep it nests.
#include "common/json_scanner.hpp"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

using Texts = std::vector<std::string>;

Texts elements_of(const std::string& array) {
    Texts texts;
    JsonScanner scanner(array);
    scanner.enter();
    while (scanner.more()) {
        texts.emplace_back(scanner.value().text);
    }
    return texts;
}

// Name and value of each member, in turn.
Texts members_of(const std::string& object) {
    Texts texts;
    JsonScanner scanner(object);
    scanner.enter();
    while (scanner.more()) {
        texts.emplace_back(scanner.name().text);
        texts.emplace_back(scanner.value().text);
    }
    return texts;
}

TEST_CASE("a value is its text without the white space around it") {
    for (const std::string value :
         {"null", "true", "0", "-1.50e+3", R"("")", R"("a b")", "[]", "[ 1 , 2 ]", "{}",
          R"({"a": [1]})", R"("\"")", R"("\\")", R"("\\\"]")", R"(["]", "\\"])"}) {
        for (const std::string space : {"", " ", " \t\r\n"}) {
            const auto json = space + value + space;
            CAPTURE(json);
            CHECK(JsonScanner(json).value().text == value);
        }
    }
}

TEST_CASE("elements come one by one, whatever is in them") {
    CHECK(elements_of("[]").empty());
    CHECK(elements_of(" [ ] ").empty());
    CHECK(elements_of("[1]") == Texts{"1"});
    CHECK(elements_of(R"([1,"a,]",[2,[3]],{"x":"}"} , null])") ==
          Texts{"1", R"("a,]")", "[2,[3]]", R"({"x":"}"})", "null"});
}

TEST_CASE("members come one by one, names and values as they are written") {
    CHECK(members_of("{}").empty());
    CHECK(members_of(R"({"a":1})") == Texts{R"("a")", "1"});
    CHECK(members_of(R"( { "a\":" : 1.50 , "":[{"a":2}],"a":"}" } )") ==
          Texts{R"("a\":")", "1.50", R"("")", R"([{"a":2}])", R"("a")", R"("}")"});
}

TEST_CASE("a backslash is an escape only if none escapes it") {
    CHECK(elements_of(R"(["\\",1])") == Texts{R"("\\")", "1"});
    CHECK(elements_of(R"(["\\\"",1])") == Texts{R"("\\\"")", "1"});
    CHECK(elements_of(R"(["\\\\",1])") == Texts{R"("\\\\")", "1"});
    CHECK(elements_of("[\"" + std::string(100'000, '\\') + "\",1]").size() == 2);
}

TEST_CASE("the end of a string is found wherever its quotes and backslashes stand") {
    for (std::size_t before = 0; before < 20; ++before) {
        for (std::size_t after = 0; after < 20; ++after) {
            for (const std::string middle : {"", R"(\")", R"(\\)", R"(\\\")", "\xC3\xBC\xA2\xDC"}) {
                const auto string =
                    '"' + std::string(before, '!') + middle + std::string(after, '#') + '"';
                const auto token = JsonScanner(string).value();
                REQUIRE(token.text == string);
                REQUIRE(token.escaped == middle.starts_with('\\'));
                REQUIRE(elements_of("[" + string + ",1]") == Texts{string, "1"});
            }
        }
    }
}

TEST_CASE("it steps out of what it stepped into") {
    const std::string text = R"([{"a":[1]} , {"b":2}, 3 ])";
    JsonScanner scanner(text);
    REQUIRE(scanner.at_array());
    scanner.enter();
    REQUIRE(scanner.more());
    REQUIRE(scanner.at_object());
    const char* const begin = scanner.position();
    scanner.enter();
    REQUIRE(scanner.more());
    CHECK(scanner.name().inside() == "a");
    CHECK(scanner.value().text == "[1]");
    REQUIRE_FALSE(scanner.more());
    scanner.leave();
    CHECK(std::string(begin, scanner.position()) == R"({"a":[1]})");
    REQUIRE(scanner.more());
    const auto copy = scanner;
    CHECK(scanner.value().text == R"({"b":2})");
    CHECK(JsonScanner(copy).value().text == R"({"b":2})");
    REQUIRE(scanner.more());
    CHECK_FALSE(scanner.at_object());
    CHECK(scanner.value().text == "3");
    CHECK_FALSE(scanner.more());
}

TEST_CASE("a token knows what it is") {
    const auto token = [](const std::string_view json) { return JsonScanner(json).value(); };
    CHECK(token("\"a\"").is_string());
    CHECK(token("\"a\"").inside() == "a");
    CHECK(token("\"\"").inside().empty());
    CHECK(token("{}").is_object());
    CHECK(token("[]").is_array());
    for (const std::string number : {"0", "-7", "123456789012345678901234567890"}) {
        CHECK(token(number).is_number());
        CHECK(token(number).is_integer());
    }
    for (const std::string number : {"0.0", "1e3", "-1E-3"}) {
        CHECK(token(number).is_number());
        CHECK_FALSE(token(number).is_integer());
    }
    for (const std::string word : {"null", "true", "false", "\"1\"", "[1]", "{}"}) {
        CHECK_FALSE(token(word).is_number());
        CHECK_FALSE(token(word).is_integer());
    }
}

TEST_CASE("depth counts the brackets around the innermost value") {
    const std::vector<std::pair<std::string, std::size_t>> depths{
        {"1", 0},       {R"("[[")", 0}, {"[]", 1},           {"{}", 1},
        {"[[],[]]", 2}, {"[1,[2]]", 2}, {R"({"a":[{}]})", 3}};
    for (const auto& [json, depth] : depths) {
        CAPTURE(json);
        CHECK(JsonScanner(json).value().depth == depth);
    }
    const auto deep = std::string(500'000, '[') + std::string(500'000, ']');
    CHECK(JsonScanner(deep).value().depth == 500'000);
}

}  // namespace
}  // namespace blocky::test
