// Which request bodies the decoder refuses, with which code, in which order of checks.
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/json_text.hpp"
#include "tests/support/decoded.hpp"

namespace blocky::test {
namespace {

constexpr std::size_t kLimit = 1000;
using Bodies = std::vector<std::string>;

Refusal refusal_of(const std::string& body, std::size_t limit = kLimit) {
    CAPTURE(body);
    const auto request = decode_request(body, limit);
    REQUIRE_FALSE(request);
    return request.error();
}

void check_all(const Bodies& bodies, ErrorCode code) {
    for (const auto& body : bodies) {
        CAPTURE(body);
        CHECK(refusal_of(body).code == code);
    }
}

TEST_CASE("what is not JSON is a bad request") {
    check_all({"",
               " ",
               "x",
               "nul",
               "{",
               "}",
               "{}x",
               R"({"value":1)",
               R"({"value":1}})",
               R"({"value":1} {"value":2})",
               R"({"value":1,})",
               R"({"value":})",
               R"({"value" 1})",
               R"({value:1})",
               R"({'value':1})",
               R"({"value":[1,]})",
               R"({"value":tru})",
               "{\"value\":1}//",
               "/**/{\"value\":1}",
               R"({"value":undefined})"},
              ErrorCode::kBadRequest);
}

TEST_CASE("numbers are those of JSON, within the range of a double") {
    for (const std::string number :
         {"NaN",   "nan", "Infinity", "-Infinity", "inf",    "+1",   "01",
          "-01",   ".5",  "1.",       "1e",        "1e+",    "0x10", "1_000",
          "1,000", "--1", "- 1",      "1e999",     "-1e999", "1e309"}) {
        check_all({"{\"value\":" + number + "}", "{\"value\":[0," + number + "]}",
                   "{\"x\":" + number + ",\"value\":1}"},
                  ErrorCode::kBadRequest);
    }
    const std::string digits(400, '9');
    check_all({"{\"value\":" + digits + "}"}, ErrorCode::kBadRequest);
}

TEST_CASE("a body that is JSON but no object is a bad request") {
    check_all({"null", "5", "\"value\"", "[]", R"([{"value":1}])", R"(["value",1])"},
              ErrorCode::kBadRequest);
}

TEST_CASE("a value is required") {
    check_all(
        {"{}", R"({"id":"a"})", R"({"Value":1})", R"({"x":{"value":1}})", R"({"messages":1})"},
        ErrorCode::kBadRequest);
}

TEST_CASE("bytes that are no UTF-8 spoil the body wherever they stand") {
    for (const std::string bytes :
         {"\xFF", "\x80", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
        check_all({"{\"value\":\"" + bytes + "\"}", "{\"value\":1,\"id\":\"" + bytes + "\"}",
                   "{\"value\":1,\"x\":\"" + bytes + "\"}", "{\"value\":1,\"" + bytes + "\":1}",
                   "{\"value\":1" + bytes + "}", bytes + "{\"value\":1}", "{\"value\":1}" + bytes},
                  ErrorCode::kBadRequest);
    }
}

TEST_CASE("an unpaired surrogate is a bad request wherever it stands") {
    for (const std::string half : {R"(\ud800)", R"(\udc00)", R"(\ud800\ud800)", R"(\ud800x)"}) {
        check_all({R"({"value":")" + half + "\"}", R"({"value":1,"producer":")" + half + "\"}",
                   R"({"value":1,"x":")" + half + "\"}", R"({"value":1,")" + half + "\":1}"},
                  ErrorCode::kBadRequest);
    }
}

TEST_CASE("a byte-order mark and a NUL byte are a bad request") {
    const std::string nul(1, '\0');
    check_all({"\xEF\xBB\xBF{\"value\":1}", "\xFE\xFF{\"value\":1}", "\xEF{\"value\":1}",
               "{\"value\":1}" + nul, nul + "{\"value\":1}", "{\"value\":1" + nul + "}",
               "{\"value\":\"" + nul + "\"}", nul},
              ErrorCode::kBadRequest);
}

TEST_CASE("a raw control character in a string is a bad request") {
    for (char control = 1; control < 0x20; ++control) {
        check_all({std::string(R"({"value":"a)") + control + "\"}",
                   std::string(R"({"value":1,"x":"a)") + control + "\"}"},
                  ErrorCode::kBadRequest);
    }
}

TEST_CASE("an escaped control character is a bad request in producer and id only") {
    for (const std::string control :
         {R"(\u0000)", R"(\u0001)", R"(\n)", R"(\t)", R"(\u001f)", R"(\u007f)", "\x7F"}) {
        check_all({R"({"value":1,"id":"a)" + control + "b\"}",
                   R"({"value":1,"producer":")" + control + "\"}"},
                  ErrorCode::kBadRequest);
        CAPTURE(control);
        CHECK(decode_request(R"({"value":")" + control + "\"}", kLimit));
        CHECK(decode_request(R"({"value":1,"x":")" + control + "\"}", kLimit));
    }
    CHECK(decode_request(R"({"value":1,"id":" \u0080~"})", kLimit));
}

TEST_CASE("a member of the wrong type is a bad request") {
    const std::string one = R"({"value":1,)";
    for (const std::string name : {"producer", "id"}) {
        for (const std::string wrong : {"null", "true", "5", "1.5", "[]", "[\"a\"]", "{}",
                                        R"({"a":"b"})", "123456789012345678901234567890"}) {
            check_all({one + '"' + name + "\":" + wrong + "}",
                       "{\"" + name + "\":" + wrong + R"(,"value":1})"},
                      ErrorCode::kBadRequest);
        }
    }
    for (const std::string wrong :
         {"null", "true", "0", "-0", "-1", "-123456789012345678901234567890", "1.0", "1.5", "1e3",
          "\"5\"", "\"\"", "[]", "[1]", "{}"}) {
        check_all({one + "\"deadline_ms\":" + wrong + "}"}, ErrorCode::kBadRequest);
    }
    for (const std::string wrong : {"null", "true", "1.0", "1e0", "\"1\"", "[]", "[1]", "{}"}) {
        check_all({one + "\"v\":" + wrong + "}"}, ErrorCode::kBadRequest);
    }
}

TEST_CASE("a version other than 1 is unsupported, however large") {
    for (const std::string version : {"0", "-0", "2", "-1", "99", "18446744073709551617",
                                      "-18446744073709551615", "4294967297"}) {
        check_all({"{\"value\":1,\"v\":" + version + "}", "{\"v\":" + version + "}"},
                  ErrorCode::kUnsupportedVersion);
    }
}

TEST_CASE("a member of the protocol given twice is a bad request") {
    check_all({R"({"value":1,"value":1})", R"({"value":1,"v\u0061lue":2})",
               R"({"value":1,"id":"a","id":"a"})", R"({"producer":"a","value":1,"producer":"b"})",
               R"({"value":1,"deadline_ms":1,"deadline_ms":1})", R"({"value":1,"v":1,"v":1})",
               R"({"value":[1],"value":{"a":1}})"},
              ErrorCode::kBadRequest);
}

TEST_CASE("size is checked before anything else") {
    const std::string garbage(kLimit + 1, '{');
    CHECK(refusal_of(garbage).code == ErrorCode::kTooLarge);
    CHECK(refusal_of(garbage.substr(1)).code == ErrorCode::kBadRequest);
}

TEST_CASE("JSON is checked before the version, the version before the members") {
    check_all({R"({"v":2,"value":1)", R"({"v":2,"value":1e999})", R"({"v":2,"value":1}x)",
               R"({"v":2,"v":2,"value":1})"},
              ErrorCode::kBadRequest);
    check_all({R"({"v":2})", R"({"id":5,"value":1,"v":2})", R"({"v":2,"value":1,"value":2})",
               R"({"v":2,"deadline_ms":-1,"producer":""})"},
              ErrorCode::kUnsupportedVersion);
}

TEST_CASE("a refusal names the request as far as its id could be decoded") {
    CHECK(refusal_of(R"({"id":"a","producer":5,"value":1})").id == "a");
    CHECK(refusal_of(R"({"producer":5,"value":1,"id":"a"})").id == "a");
    CHECK(refusal_of(R"({"id":"a"})").id == "a");
    CHECK(refusal_of(R"({"id":"a","v":2})").id == "a");
    CHECK(refusal_of(R"({"id":"","value":1})").id.empty());
    CHECK(refusal_of(R"({"id":"a\n","value":1})").id.empty());
    CHECK(refusal_of(R"({"id":5})").id.empty());
    CHECK(refusal_of(R"({"id":"a","value":1)").id.empty());
    CHECK(refusal_of(std::string(R"({"id":"a","value":1})") + std::string(kLimit, ' ')).id.empty());
}

TEST_CASE("a refusal is one short sentence that fits a reply, whatever the body is") {
    const std::string junk(900'000, 'x');
    for (const auto& body : Bodies{
             junk, "{\"value\":" + junk + "}", "{\"" + junk, "{\"value\":\"" + junk,
             "{\"value\":\"\xFF\"}", "{\"value\":\"" + std::string(300, '\xC3') + "\"}",
             "{\"value\":1," + std::string(250, '\n') + "\x01}", "{\"value\":\"grüße\nüüüü\"}"}) {
        const auto refusal = refusal_of(body, 1U << 20U);
        CHECK(refusal.message.size() > 5);
        CHECK(refusal.message.size() < 400);
        Reply reply;
        reply.ok = false;
        reply.message = refusal.message;
        const auto encoded = encode(reply);
        CHECK(nlohmann::json::accept(encoded));
        CHECK(is_utf8(encoded));
        CHECK_FALSE(has_control_character(encoded));
    }
}

}  // namespace
}  // namespace blocky::test
