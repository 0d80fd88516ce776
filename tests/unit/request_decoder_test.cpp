// What a request body may say, and that its value travels exactly as it was received.
#include "common/request_decoder.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/decoded.hpp"

namespace blocky::test {
namespace {

constexpr std::size_t kLimit = 1U << 20U;

std::string value_in(const std::string& body) {
    const auto request = decode_request(body, kLimit);
    return request ? std::string(request->value) : "refused: " + request.error().message;
}

TEST_CASE("a value alone is a request") {
    const auto request = decode_request(R"({"value":1})", kLimit);
    REQUIRE(request);
    CHECK(request->value == "1");
    CHECK(request->producer.empty());
    CHECK(request->id.empty());
}

TEST_CASE("a request may say who pushes and which message it is") {
    const auto request = decode_request(
        R"({"v":1,"id":"m-1","deadline_ms":5000,"producer":"p-1","value":[1]})", kLimit);
    REQUIRE(request);
    CHECK(request->value == "[1]");
    CHECK(request->producer == "p-1");
    CHECK(request->id == "m-1");
}

const std::vector<std::string> kValues{"null",
                                       "true",
                                       "false",
                                       "0",
                                       "-0",
                                       "7",
                                       "-12.50",
                                       "1E+2",
                                       "1e-400",
                                       "0.1000000000000000000000000001",
                                       "123456789012345678901234567890",
                                       "-9223372036854775809",
                                       R"("")",
                                       R"("a")",
                                       R"("a \" \\ \/ \b\f\n\r\t A 𝄞 \u0000")",
                                       R"("grüße ✅")",
                                       R"("} , ] : {")",
                                       "[]",
                                       "[ ]",
                                       "[1]",
                                       "[ 1 , \"a\" , null ]",
                                       "[[[]]]",
                                       "{}",
                                       "{ }",
                                       R"({"a":1})",
                                       R"({ "a" : { "b" : [ 1 , 2 ] } , "c" : "}" })",
                                       R"({"value":1,"id":5,"v":99,"value":2})",
                                       "[\r\n\t1\r\n]"};

TEST_CASE("the value is kept as it stands, for every type, place and white space") {
    for (const auto& value : kValues) {
        for (const std::string space : {"", " ", "\t", "\r\n", " \n\t\r "}) {
            const auto member = "\"value\"" + space + ":" + space + value + space;
            for (const auto& body :
                 {"{" + member + "}", "{" + member + ",\"id\":\"a\"}",
                  "{\"id\":\"a\"," + space + member + "}",
                  space + "{" + space + "\"x\":[1]," + member + ",\"y\":{}}" + space}) {
                CAPTURE(body);
                CHECK(value_in(body) == value);
            }
        }
    }
}

TEST_CASE("the value is a view into the body") {
    const std::string body = R"({"value":"text"})";
    RequestDecoder decoder(kLimit);
    DecodedBody decoded;
    REQUIRE_FALSE(decoder.decode(body, decoded));
    CHECK(decoded.messages.front().request.value.data() == body.data() + 9);
    CHECK(decoded.messages.front().bytes == body.size());
}

TEST_CASE("names without escapes are views into the body, others stay as they are") {
    const std::string body = R"({"value":1,"producer":"a\u0062\n\"c","id":"plain"})";
    RequestDecoder decoder(kLimit);
    DecodedBody decoded;
    CHECK(decoder.decode(body, decoded));  // the control character
    const std::string good = R"({"value":1,"producer":"a\u0062\"c","id":"plain"})";
    REQUIRE_FALSE(decoder.decode(good, decoded));
    const auto& request = decoded.messages.front().request;
    CHECK(request.producer == "ab\"c");
    CHECK(request.id == "plain");
    CHECK(request.id.data() > good.data());
    CHECK(request.id.data() < good.data() + good.size());
}

TEST_CASE("one decoder takes body after body, good, bad and long") {
    RequestDecoder decoder(kLimit);
    DecodedBody decoded;
    const auto long_body = "{\"value\":\"" + std::string(500'000, 'x') + "\"}";
    for (int i = 0; i < 3; ++i) {
        REQUIRE_FALSE(decoder.decode(R"({"value":1,"id":"a"})", decoded));
        CHECK(decoded.messages.front().request.id == "a");
        CHECK(decoder.decode("{", decoded));
        REQUIRE_FALSE(decoder.decode(long_body, decoded));
        CHECK(decoded.messages.front().request.value.size() == 500'002);
        REQUIRE_FALSE(decoder.decode(R"({"messages":[{"value":1},{"value":2}]})", decoded));
        CHECK(decoded.messages.size() == 2);
        CHECK(decoder.decode(std::string(kLimit + 1, ' '), decoded));
    }
}

TEST_CASE("a very long number, string or list of values is taken whole") {
    const std::string digits(300, '7');
    CHECK(value_in("{\"value\":" + digits + "}") == digits);
    const auto text = '"' + std::string(500'000, 'x') + '"';
    CHECK(value_in("{\"value\":" + text + "}") == text);
    std::string list = "[0";
    for (int i = 0; i < 100'000; ++i) {
        list += ",0";
    }
    list += ']';
    CHECK(value_in("{\"value\":" + list + "}") == list);
}

TEST_CASE("names of members may be written with escapes") {
    CHECK(value_in(R"({"\u0076alue":1})") == "1");
    CHECK(value_in(R"({"x\":":0,"valu\u0065" : 2 })") == "2");
    const auto request = decode_request(R"({"value":1,"\u0069d":"a"})", kLimit);
    REQUIRE(request);
    CHECK(request->id == "a");
}

TEST_CASE("members that the protocol does not have are ignored, whatever is in them") {
    CHECK(value_in(R"({"Value":0,"x":{"value":5,"id":7,"v":99,"producer":[]},"value":1})") == "1");
    CHECK(value_in(R"({"value":1,"x":1,"x":2,"":null,"deadline":-1})") == "1");
    CHECK(value_in(R"({"x":[[[{"value":[{"id":1}]}]]],"value":{"x":1},"y":[{}]})") == R"({"x":1})");
}

TEST_CASE("escapes in producer and id are decoded") {
    const auto request =
        decode_request(R"({"producer":"\u00fc\"\/","id":"\ud834\udd1e","value":1})", kLimit);
    REQUIRE(request);
    CHECK(request->producer == "ü\"/");
    CHECK(request->id == "𝄞");
}

TEST_CASE("producer and id have 1 to 128 bytes of UTF-8") {
    for (const std::string name : {"producer", "id"}) {
        const auto refused = [&](const std::string& text) {
            return value_in("{\"value\":1,\"" + name + "\":\"" + text + "\"}") != "1";
        };
        CAPTURE(name);
        CHECK_FALSE(refused("x"));
        CHECK_FALSE(refused(std::string(128, 'x')));
        CHECK_FALSE(refused("\\u0078" + std::string(127, 'x')));
        CHECK(refused(""));
        CHECK(refused(std::string(129, 'x')));
        CHECK(refused(std::string(127, 'x') + "ü"));
        CHECK(refused(std::string(127, 'x') + "\\u00fc"));
        CHECK(refused(std::string(100'000, 'x')));
    }
}

TEST_CASE("a deadline may be any integer over 0, beyond 64 bits too") {
    for (const std::string deadline :
         {"1", "9007199254740993", "18446744073709551616", "1000000000000000000000000000000"}) {
        CAPTURE(deadline);
        CHECK(value_in("{\"value\":1,\"deadline_ms\":" + deadline + "}") == "1");
    }
}

TEST_CASE("a deadline is what it says, or the longest that a time point can bear") {
    const auto deadline_of = [](const std::string& number) {
        return decode_request("{\"value\":1,\"deadline_ms\":" + number + "}", kLimit)->deadline;
    };
    CHECK(decode_request(R"({"value":1})", kLimit)->deadline.count() == 0);
    CHECK(deadline_of("1").count() == 1);
    CHECK(deadline_of("60000") == std::chrono::minutes(1));
    CHECK(deadline_of("9223372036854775807") == kLongestDeadline);
    CHECK(deadline_of("100000000000000000000000000") == kLongestDeadline);
    CHECK(std::chrono::steady_clock::now() + kLongestDeadline > std::chrono::steady_clock::now());
}

TEST_CASE("a body of exactly the limit is taken, one byte more is too large") {
    const std::string body = R"({"value":12345})";
    CHECK(decode_request(body, body.size()));
    const auto refused = decode_request(body, body.size() - 1);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kTooLarge);
}

std::string nested(const std::string& open, std::size_t depth, const std::string& close) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) {
        text += open;
    }
    text += "1";
    for (std::size_t i = 0; i < depth; ++i) {
        text += close;
    }
    return text;
}

TEST_CASE("a value may be nested 64 deep and no deeper") {
    const auto value = [](const std::string& text) { return "{\"value\":" + text + "}"; };
    for (const auto& [open, close] : std::vector<std::pair<std::string, std::string>>{
             {"[", "]"}, {"{\"a\":", "}"}, {"[0, ", "]"}, {"{\"x\":0,\"value\":", ",\"z\":1}"}}) {
        CAPTURE(open);
        CHECK(value_in(value(nested(open, 64, close))) == nested(open, 64, close));
        for (const std::size_t depth : {65U, 66U, 1000U, 10'000U}) {
            const auto refused = decode_request(value(nested(open, depth, close)), kLimit);
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code == ErrorCode::kBadRequest);
        }
    }
    // Broad is not deep.
    const auto broad = "[" + nested("[],{},", 1000, "") + "]";
    CHECK(value_in(value(broad)) == broad);
}

TEST_CASE("half a million brackets are answered like any other nonsense") {
    for (const std::string bracket : {"[", "{\"a\":", "{\"value\":", "]"}) {
        std::string body;
        while (body.size() + bracket.size() <= kLimit) {
            body += bracket;
        }
        const auto refused = decode_request(body, kLimit);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::kBadRequest);
    }
    CHECK_FALSE(decode_request("{\"value\":" + nested("[", 500'000, "]") + "}", kLimit));
}

TEST_CASE("a deeply nested member that is ignored is no danger") {
    CHECK(value_in("{\"x\":" + nested("[", 100'000, "]") + ",\"value\":1}") == "1");
}

}  // namespace
}  // namespace blocky::test
