// The member of a line that makes its id, with a number exactly as it is written.
#include "producer/json_id.hpp"

#include <string>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

std::string id(const std::string& pointer, const std::string& json) {
    const auto found = id_at(JsonPointer(pointer), json);
    return found ? *found : "none: " + found.error();
}

bool has_none(const std::string& pointer, const std::string& json) {
    const auto found = id_at(JsonPointer(pointer), json);
    return !found && found.error().size() > 5;
}

TEST_CASE("an id is the string at the pointer") {
    CHECK(id("/id", R"({"id":"m-1","x":2})") == "m-1");
    CHECK(id("/a/b/1", R"({"a":{"b":["no","yes"]}})") == "yes");
    CHECK(id("/a~1b/c~0d", R"({"a/b":{"c~d":"x"}})") == "x");
    CHECK(id("/", R"({"":"empty name"})") == "empty name");
    CHECK(id("", R"("the whole line")") == "the whole line");
    CHECK(id("/id", R"({"id":"gr\u00fc\u00dfe"})") == "grüße");
}

TEST_CASE("a number is an id by its text, to the last digit") {
    for (const std::string number :
         {"0", "1", "-1", "-0", "1.0", "1.00", "1e2", "1E+2", "0.1", "-12.50", "9007199254740993",
          "18446744073709551615", "18446744073709551616", "-9223372036854775809",
          "123456789012345678901234567890"}) {
        CAPTURE(number);
        CHECK(id("/id", "{\"id\": " + number + " }") == number);
        CHECK(id("", number) == number);
    }
}

TEST_CASE("a line without the member, or with another type there, has no id") {
    CHECK(has_none("/id", R"({"x":1})"));
    CHECK(has_none("/id", "5"));
    CHECK(has_none("/id", "[]"));
    CHECK(has_none("/a/b", R"({"a":"b"})"));
    CHECK(has_none("/a/5", R"({"a":[1]})"));
    CHECK(has_none("/a/-", R"({"a":[1]})"));
    CHECK(has_none("/a/01", R"({"a":[1,2]})"));
    CHECK(has_none("/a/x", R"({"a":[1]})"));
    for (const std::string value : {"null", "true", "[]", "{}", "[\"a\"]"}) {
        CAPTURE(value);
        CHECK(has_none("/id", "{\"id\":" + value + "}"));
    }
}

TEST_CASE("an index beyond any array is no id, and no exception") {
    CHECK(has_none("/99999999999999999999999", "[1]"));
    CHECK(has_none("/a/18446744073709551616", R"({"a":[1]})"));
}

TEST_CASE("what is not JSON has no id") {
    for (const std::string line : {"", "plain text", "{\"id\":1", "{\"id\":1e999}", "\xFF"}) {
        CAPTURE(line);
        CHECK(has_none("/id", line));
    }
}

TEST_CASE("an id has 1 to 128 bytes and no control characters") {
    CHECK(id("", '"' + std::string(128, 'x') + '"').size() == 128);
    CHECK(has_none("", '"' + std::string(129, 'x') + '"'));
    CHECK(has_none("", std::string(129, '1')));
    CHECK(has_none("", R"("")"));
    CHECK(has_none("", R"("a\nb")"));
    CHECK(has_none("", R"("\u007f")"));
}

TEST_CASE("a line nested a hundred thousand deep is read without recursion") {
    const auto deep = std::string(100'000, '[') + std::string(100'000, ']');
    CHECK(id("/id", R"({"x":)" + deep + R"(,"id":"a"})") == "a");
}

}  // namespace
}  // namespace blocky::test
