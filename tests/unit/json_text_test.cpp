// JSON as text: strings escaped, UTF-8 and JSON told from what only looks like them.
#include "common/json_text.hpp"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace blocky::test {
namespace {

std::string as_json(std::string_view text) {
    std::string json;
    append_json_string(json, text);
    return json;
}

TEST_CASE("a plain string only gets its quotes") {
    CHECK(as_json("") == R"("")");
    CHECK(as_json("p-1 [~]") == R"("p-1 [~]")");
    std::string json = "[";
    append_json_string(json, "a");
    CHECK(json == R"(["a")");
}

TEST_CASE("what JSON reserves is escaped, all else stays") {
    CHECK(as_json("\"\\") == R"("\"\\")");
    CHECK(as_json("a\nb\tc\x01") == R"("a\nb\tc\u0001")");
    CHECK(as_json("grüße ✅ \x7F") == "\"grüße ✅ \x7F\"");
    CHECK(nlohmann::json::parse(as_json(std::string("\0", 1))).get<std::string>().size() == 1);
}

TEST_CASE("bytes that are no UTF-8 become the replacement character") {
    CHECK(as_json("a\xFF") == "\"a\xEF\xBF\xBD\"");
    CHECK(nlohmann::json::accept(as_json("\xC3")));
}

TEST_CASE("escapes are read as what they stand for") {
    const auto read = [](std::string_view inside) {
        std::string text = ">";
        append_unescaped(text, inside);
        return text.substr(1);
    };
    CHECK(read("").empty());
    CHECK(read("plain grüße") == "plain grüße");
    CHECK(read(R"(\"\\\/\b\f\n\r\t)") == "\"\\/\b\f\n\r\t");
    CHECK(read(R"(a\u0041\u00fc\u00FC\u2705\ud834\udd1eb)") == "aAüü✅𝄞b");
    CHECK(read(R"(\u0000)").size() == 1);
    CHECK(read(R"(\\u0041)") == R"(\u0041)");
    CHECK(read(R"(\uffff\udbff\udfff)") == "\xEF\xBF\xBF\xF4\x8F\xBF\xBF");
}

TEST_CASE("UTF-8 is what RFC 3629 says it is") {
    for (const std::string text :
         {"", "plain", "grüße", "✅", "\xF0\x9F\xA7\xAE", "\x7F", "\n", "\xF4\x8F\xBF\xBF"}) {
        CAPTURE(text);
        CHECK(is_utf8(text));
    }
    CHECK(is_utf8(std::string("\0", 1)));
    for (const std::string text :
         {"\xFF", "\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
          "\xF8\x88\x80\x80\x80", "ok\xC3"}) {
        CAPTURE(text);
        CHECK_FALSE(is_utf8(text));
    }
}

TEST_CASE("JSON is one value of RFC 8259, white space around it included") {
    for (const std::string text : {"null", " 1 ", "\"a\"", "[]", "{\"a\":[1,2.5e3]}", "-0",
                                   "\t5\r\n", "\"\\u0000\"", "1e308"}) {
        CAPTURE(text);
        CHECK(is_json(text));
    }
    for (const std::string text : {"", " ", "plain", "1 2", "[1,]", "NaN", "Infinity", "+1", "01",
                                   ".5", "1.", "'a'", "// 1\n1",
                                   "\xEF\xBB\xBF"
                                   "1",
                                   "\"\xFF\"", "\"\\ud800\"", "1e999", "\"\n\"", "{\"a\"}"}) {
        CAPTURE(text);
        CHECK_FALSE(is_json(text));
    }
    CHECK_FALSE(is_json(std::string("1\0", 2)));
    CHECK_FALSE(is_json(std::string("\0", 1)));
}

TEST_CASE("a control character is U+0000 to U+001F or U+007F, and no byte of UTF-8") {
    CHECK(has_control_character(std::string("a\0", 2)));
    CHECK(has_control_character("\x1F"));
    CHECK(has_control_character("a\x7F"));
    CHECK_FALSE(has_control_character("a b ~ ü \xC2\x80"));
    CHECK_FALSE(has_control_character(""));
}

TEST_CASE("JSON on one line differs in the line breaks between its tokens, and in nothing else") {
    std::string line = "before\n";
    append_on_one_line(line, "[1,\r\n\t\"\\n\u2028\"\n]");
    CHECK(line == "before\n[1,  \t\"\\n\u2028\" ]");
}

}  // namespace
}  // namespace blocky::test
