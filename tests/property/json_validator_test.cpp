// Two decoders, one behaviour: whatever either library makes of a text, the validator says what
// nlohmann_json says, with every instruction set that simdjson has code for on this machine.
#include "common/json_validator.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <simdjson.h>

#include "tests/support/random_request.hpp"

namespace blocky::test {
namespace {

using Texts = std::vector<std::string>;

// One validator for each of simdjson's implementations, chosen when its first text comes.
class Validators {
public:
    Validators() {
        auto& active = simdjson::get_active_implementation();
        const auto* const usual = active.operator->();
        for (const auto* implementation : simdjson::get_available_implementations()) {
            if (implementation->supported_by_runtime_system()) {
                active = implementation;
                validators_.push_back(std::make_unique<JsonValidator>());
                REQUIRE_FALSE(validators_.back()->problem_with("{}"));
            }
        }
        active = usual;
    }

    void check(const std::string& text) {
        const bool json = nlohmann_accepts(text);
        for (auto& validator : validators_) {
            const auto problem = validator->problem_with(text);
            if (problem.has_value() == json || (problem && problem->empty())) {
                CAPTURE(text);
                CAPTURE(json);
                FAIL("they do not agree");
            }
        }
    }

    // As the whole, and as a part of an array, an object and a bundle.
    void check_everywhere(const std::string& text) {
        for (const auto& whole :
             {text, " " + text, "[" + text + "]", "[0," + text + ",0]", "{\"value\":" + text + "}",
              "{\"x\":[" + text + "]}", "{\"messages\":[{\"value\":" + text + ",\"id\":\"a\"}]}"}) {
            check(whole);
        }
    }

private:
    std::vector<std::unique_ptr<JsonValidator>> validators_;
};

std::string escape(unsigned unit) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "\\u%04x", unit);
    return text.data();
}

TEST_CASE("both agree on numbers, most of all at the ends of what a double and 64 bits hold") {
    Validators validators;
    Texts numbers{"-0",
                  "-",
                  "+1",
                  "01",
                  "-01",
                  "00",
                  ".5",
                  "1.",
                  "-.5",
                  "1e",
                  "1e+",
                  "0x10",
                  "1_0",
                  "NaN",
                  "nan",
                  "Infinity",
                  "-Infinity",
                  "inf",
                  "1e999",
                  "-1e999",
                  "1E+999",
                  "1e308",
                  "1e309",
                  "1.7976931348623157e308",
                  "1.7976931348623158e308",
                  "1.7976931348623159e308",
                  "1.797693134862315807e308",
                  "1.797693134862315808e308",
                  "17976931348623157e292",
                  "0.00017976931348623159e312",
                  "4.9e-324",
                  "2e-324",
                  "2.2250738585072011e-308",
                  "2.2250738585072014e-308",
                  "1e-400",
                  "0e999",
                  "-0e-999",
                  "0.0e99999999999999999999",
                  "1e99999999999999999999",
                  "1e-99999999999999999999",
                  "1e0000000000000000000001",
                  "9223372036854775807",
                  "9223372036854775808",
                  "-9223372036854775808",
                  "-9223372036854775809",
                  "18446744073709551615",
                  "18446744073709551616",
                  "99999999999999999999",
                  "9007199254740993",
                  "1 2",
                  "1,2"};
    for (const std::size_t digits : {19U, 20U, 21U, 300U, 307U, 308U, 309U, 310U, 400U, 5000U}) {
        const auto shift = std::to_string(digits);
        for (const std::string tail : {"", ".0", ".5e1", "e0", "e-300", "e1"}) {
            numbers.push_back(std::string(digits, '9') + tail);
            numbers.push_back("-1" + std::string(digits, '0') + tail);
        }
        numbers.push_back("0." + std::string(digits, '0') + "1e" + shift);
        numbers.push_back("0." + std::string(digits, '0') + "1e" + std::to_string(digits + 309));
        numbers.push_back("0." + std::string(digits, '0') + "1e" + std::to_string(digits + 310));
    }
    for (const auto& number : numbers) {
        validators.check_everywhere(number);
    }
}

TEST_CASE("both agree on every escape and every pair of surrogates at the ends of their range") {
    Validators validators;
    for (unsigned unit = 0; unit <= 0xFFFF; ++unit) {
        validators.check('"' + escape(unit) + '"');
        if (unit >= 0xD7F0 && unit <= 0xE00F) {
            for (const unsigned other : {0x41U, 0xD7FFU, 0xD800U, 0xDBFFU, 0xDC00U, 0xDFFFU}) {
                validators.check('"' + escape(unit) + escape(other) + '"');
                validators.check('"' + escape(other) + escape(unit) + '"');
            }
        }
    }
    for (const std::string text :
         {R"("\ud800")", R"("\ud800x")", R"("\ud800\n")", R"("\ud800\u")", R"("\udc00")",
          R"("\u12")", R"("\u12g4")", R"("\uD834\uDD1E")", R"("\x41")", R"("\'")", R"("\)"}) {
        validators.check_everywhere(text);
    }
}

TEST_CASE("both agree on what any two bytes mean wherever they stand") {
    Validators validators;
    for (unsigned pair = 0; pair <= 0xFFFF; ++pair) {
        const std::string bytes{static_cast<char>(pair >> 8U), static_cast<char>(pair & 0xFFU)};
        for (const auto& text : {bytes, "1" + bytes, "\"" + bytes + "\"", "\"\\" + bytes + "\"",
                                 "[" + bytes + "]", "{\"a\":1" + bytes, bytes + "{}"}) {
            validators.check(text);
        }
    }
}

TEST_CASE("both agree on UTF-8: overlong forms, surrogates and what lies beyond") {
    Validators validators;
    Random random;
    const Texts edges{"\xC0\xAF",
                      "\xC1\xBF",
                      "\xC2\x80",
                      "\xDF\xBF",
                      "\xE0\x80\xAF",
                      "\xE0\x9F\xBF",
                      "\xE0\xA0\x80",
                      "\xED\x9F\xBF",
                      "\xED\xA0\x80",
                      "\xED\xBF\xBF",
                      "\xEE\x80\x80",
                      "\xEF\xBF\xBF",
                      "\xF0\x80\x80\xAF",
                      "\xF0\x8F\xBF\xBF",
                      "\xF0\x90\x80\x80",
                      "\xF4\x8F\xBF\xBF",
                      "\xF4\x90\x80\x80",
                      "\xF5\x80\x80\x80",
                      "\xF8\x88\x80\x80\x80",
                      "\x80",
                      "\xBF",
                      "\xFE",
                      "\xFF",
                      "\xC3",
                      "\xE2\x9C",
                      "\xF0\x9F\xA7",
                      "\xEF\xBB\xBF",
                      "\xFF\xFE",
                      "\xFE\xFF"};
    for (const auto& edge : edges) {
        // At any place within the blocks that simdjson reads.
        for (std::size_t before = 0; before < 130; ++before) {
            validators.check('"' + std::string(before, 'x') + edge + '"');
            validators.check('"' + std::string(before, 'x') + edge + "xxxx\"");
        }
        validators.check_everywhere(edge);
        validators.check(edge + "{}");
        validators.check("{}" + edge);
    }
    for (int i = 0; i < 50'000; ++i) {
        const std::string lead{static_cast<char>(0xC0U + random.below(64))};
        validators.check('"' + lead + random.bytes(random.below(4)) + '"');
    }
}

TEST_CASE("both agree on the hand-written nasties") {
    Validators validators;
    const std::string nul(1, '\0');
    Texts nasties{"",
                  " ",
                  "\n",
                  "{",
                  "}",
                  "[",
                  "]",
                  "{}x",
                  "{}{}",
                  "[][]",
                  "[]]",
                  "[1,]",
                  "[,1]",
                  "[1 1]",
                  "[,]",
                  "{,}",
                  "{\"a\"}",
                  "{\"a\":}",
                  "{\"a\":1,}",
                  "{\"a\" 1}",
                  "{a:1}",
                  "{'a':1}",
                  "{\"a\":1 \"b\":2}",
                  "{1:1}",
                  "{null:1}",
                  "{\"a\"::1}",
                  "[1:2]",
                  "nul",
                  "nulll",
                  "null null",
                  "True",
                  "truefalse",
                  "tru",
                  "falsee",
                  "// 1\n1",
                  "/**/1",
                  "1//",
                  "#",
                  "\"a",
                  "a\"",
                  "\"a\"b",
                  "\"\\\"",
                  "\"\t\"",
                  "\"\x7F\"",
                  "\"\x1F\"",
                  "\f1",
                  "\v1",
                  "1\x0C",
                  "\xC2\xA0[]",
                  nul,
                  "1" + nul,
                  nul + "1",
                  "[1" + nul + "]",
                  "\"" + nul + "\"",
                  "{}" + nul,
                  "\xEF\xBB\xBF",
                  "\xEF\xBB\xBF{}",
                  " \xEF\xBB\xBF{}",
                  "\"\xEF\xBB\xBF\"",
                  R"({"a":1,"a":2})",
                  R"({"":{"":[]}})"};
    for (const std::size_t depth : {63U, 64U, 126U, 127U, 128U, 129U, 1023U, 1025U, 100'000U}) {
        const std::string open(depth, '[');
        const std::string close(depth, ']');
        nasties.insert(nasties.end(), {open, close, open + close, open + "1" + close,
                                       open + close + "]", open + "}" + close});
    }
    for (const auto& nasty : nasties) {
        validators.check_everywhere(nasty);
    }
}

TEST_CASE("both agree on random JSON, whole, cut and changed, and on random bytes") {
    Validators validators;
    Random random;
    for (int i = 0; i < 20'000; ++i) {
        const auto body = random_request(random).body;
        validators.check(body);
        validators.check(body.substr(0, random.below(body.size())));
        validators.check(mutated(random, body));
        validators.check(random_number(random) + (random.one_in(4) ? "e" : ""));
        validators.check(random.bytes(random.below(40)));
    }
}

}  // namespace
}  // namespace blocky::test
