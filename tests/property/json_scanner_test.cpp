// The scanner against nlohmann_json: the same parts, and each part's text is that part.
#include "common/json_scanner.hpp"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/random_json.hpp"

namespace blocky::test {
namespace {

using Json = nlohmann::json;

std::size_t depth_of(const Json& json) {
    std::size_t deepest = 0;
    for (const auto& child : json) {
        deepest = std::max(deepest, child.is_structured() ? depth_of(child) : 0);
    }
    return json.is_structured() ? 1 + deepest : 0;
}

void check_array(const std::string& text, const Json& json) {
    JsonScanner scanner(text);
    scanner.enter();
    for (const auto& element : json) {
        REQUIRE(scanner.more());
        REQUIRE(Json::parse(scanner.value().text) == element);
    }
    REQUIRE_FALSE(scanner.more());
}

// A name may be given twice; the last one is what nlohmann_json keeps.
void check_object(const std::string& text, const Json& json) {
    Json seen = Json::object();
    JsonScanner scanner(text);
    scanner.enter();
    while (scanner.more()) {
        const auto name = Json::parse(scanner.name().text).get<std::string>();
        seen[name] = Json::parse(scanner.value().text);
    }
    REQUIRE(seen == json);
}

TEST_CASE("walking over any JSON finds the parts that a document has") {
    Random random;
    for (int i = 0; i < 20'000; ++i) {
        const auto value = random_json(random);
        const auto text = random_space(random) + value + random_space(random);
        CAPTURE(text);
        const auto json = Json::parse(text);
        const auto token = JsonScanner(text).value();
        REQUIRE(token.text == value);
        REQUIRE(token.is_string() == json.is_string());
        REQUIRE(token.is_number() == json.is_number());
        REQUIRE(token.depth >= depth_of(json));  // of members given twice only the last is in it
        if (json.is_array()) {
            check_array(text, json);
        } else if (json.is_object()) {
            check_object(text, json);
        }
    }
}

}  // namespace
}  // namespace blocky::test
