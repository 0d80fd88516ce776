// Requests and replies as they stand on the wire, and what a producer makes of a reply.
#include "common/protocol.hpp"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/request_decoder.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a request is written with the members it has") {
    CHECK(encode(PushRequest{"1", "", ""}) == R"({"value":1})");
    CHECK(encode(PushRequest{"[1, 2]", "p-1", ""}) == R"({"value":[1, 2],"producer":"p-1"})");
    CHECK(encode(PushRequest{"\"a\"", "p-1", "m:1"}) ==
          R"({"value":"a","producer":"p-1","id":"m:1"})");
    CHECK(encode(PushRequest{"1", "grüße \"", "\\"}) ==
          R"({"value":1,"producer":"grüße \"","id":"\\"})");
}

TEST_CASE("what one side writes the other reads") {
    const PushRequest sent{R"({"a": [1, 2.50]})", "a \"name\"", "ü/\\"};
    const auto body = encode(sent);
    const auto received = decode_request(body, body.size());
    REQUIRE(received);
    CHECK(received->value == sent.value);
    CHECK(received->producer == sent.producer);
    CHECK(received->id == sent.id);
}

TEST_CASE("an acknowledgement says which batch holds the message") {
    Reply reply;
    reply.id = "m-1";
    reply.batch = 7;
    reply.size = 10;
    reply.result = "123456789012345678901234567890";
    CHECK(encode(reply) == R"({"status":"ok","id":"m-1","batch":7,"size":10,)"
                           R"("result":123456789012345678901234567890})");
    reply.id = {};
    reply.result = {};
    CHECK(encode(reply) == R"({"status":"ok","batch":7,"size":10})");
}

TEST_CASE("an answer on receipt and a duplicate are in no batch") {
    Reply reply;
    CHECK(encode(reply) == R"({"status":"ok"})");
    reply.id = "m-1";
    CHECK(encode(reply) == R"({"status":"ok","id":"m-1"})");
    reply.duplicate = true;
    CHECK(encode(reply) == R"({"status":"ok","id":"m-1","duplicate":true})");
}

TEST_CASE("an error has its code, a sentence, and whether to try again") {
    Reply reply;
    reply.ok = false;
    reply.id = "m-1";
    reply.code = ErrorCode::kBusy;
    reply.message = "full, \"really\"";
    reply.retry_after = 250ms;
    CHECK(encode(reply) == R"({"status":"error","id":"m-1","code":"busy",)"
                           R"("message":"full, \"really\"","retry":true,"retry_after_ms":250})");
    reply.id = {};
    reply.code = ErrorCode::kTooLarge;
    reply.retry_after.reset();
    CHECK(encode(reply) == R"({"status":"error","code":"too_large",)"
                           R"("message":"full, \"really\"","retry":false})");
}

TEST_CASE("an error never claims a batch") {
    Reply reply;
    reply.ok = false;
    reply.batch = 7;
    reply.size = 1;
    reply.result = "1";
    reply.duplicate = true;
    const auto json = nlohmann::json::parse(encode(reply));
    for (const std::string member : {"batch", "size", "result", "duplicate"}) {
        CHECK_FALSE(json.contains(member));
    }
}

TEST_CASE("every code has the word and the retry flag of the protocol") {
    const std::vector<std::pair<std::string, bool>> codes{
        {"bad_request", false}, {"unsupported_version", false},
        {"too_large", false},   {"busy", true},
        {"rejected", false},    {"sink_failed", true},
        {"shutting_down", true}};
    REQUIRE(codes.size() == kErrorCodes);
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const auto code = static_cast<ErrorCode>(i);
        CHECK(to_string(code) == codes[i].first);
        CHECK(is_retryable(code) == codes[i].second);
    }
}

TEST_CASE("a producer reads every member of a reply") {
    const auto ok = decode_reply(R"({"status":"ok","id":"a","batch":7,"size":10,"result":[1]})");
    REQUIRE(ok);
    CHECK(ok->ok);
    CHECK(ok->id == "a");
    CHECK(ok->batch == 7);
    CHECK(ok->size == 10);
    CHECK(ok->result == "[1]");
    CHECK_FALSE(ok->duplicate);

    const auto error = decode_reply(R"({"status":"error","code":"busy","message":"full",)"
                                    R"("retry":true,"retry_after_ms":250,"new":1})");
    REQUIRE(error);
    CHECK_FALSE(error->ok);
    CHECK(error->code == "busy");
    CHECK(error->message == "full");
    CHECK(error->retry);
    CHECK(error->retry_after == 250ms);
    CHECK(decode_reply(R"({"status":"ok","duplicate":true})")->duplicate);
}

TEST_CASE("a result keeps its digits, beyond 64 bits and with its zeros") {
    for (const std::string result : {"170141183460469231731687303715884105727",
                                     "-170141183460469231731687303715884105728", "1.50", "\"a\""}) {
        const auto reply =
            decode_reply(R"({"status":"ok","batch":1,"size":1,"result":)" + result + "}");
        REQUIRE(reply);
        CHECK(reply->result == result);
    }
}

TEST_CASE("what is no reply of this protocol is no acknowledgement") {
    for (const std::string body :
         {"", "ok", "null", "\"ok\"", "[]", "[{\"status\":\"ok\"}]", "{}", R"({"ok":true})",
          R"({"status":true})", R"({"status":"OK"})", R"({"status":"maybe"})",
          R"({"status":"error"})", R"({"status":"error","code":""})",
          R"({"status":"error","code":5})", R"({"status":"ok")", R"({"status":"ok"} x)",
          "{\"status\":\"ok\",\"x\":\"\xFF\"}"}) {
        CAPTURE(body);
        CHECK_FALSE(decode_reply(body));
    }
}

TEST_CASE("an error that does not say so must not be tried again") {
    const auto reply = decode_reply(R"({"status":"error","code":"new_code"})");
    REQUIRE(reply);
    CHECK_FALSE(reply->retry);
    CHECK_FALSE(reply->retry_after);
    CHECK(reply->message.empty());
}

TEST_CASE("members of a wrong type read as absent") {
    const auto reply = decode_reply(R"({"status":"ok","id":5,"batch":"7","size":-1,)"
                                    R"("duplicate":1,"retry":"yes"})");
    REQUIRE(reply);
    CHECK(reply->id.empty());
    CHECK(reply->batch == 0);
    CHECK(reply->size == 0);
    CHECK_FALSE(reply->duplicate);
    CHECK_FALSE(reply->retry);
}

TEST_CASE("a retry_after_ms beyond all reason is still a time that can be waited for") {
    for (const std::string wait : {"18446744073709551615", "9223372036854775808",
                                   "9223372036854775807", "1000000000000000000"}) {
        CAPTURE(wait);
        const auto reply = decode_reply(
            R"({"status":"error","code":"busy","retry":true,"retry_after_ms":)" + wait + "}");
        REQUIRE(reply);
        if (reply->retry_after) {
            CHECK(*reply->retry_after >= 0ms);
            CHECK(*reply->retry_after <=
                  std::chrono::duration_cast<std::chrono::milliseconds>(Duration::max()));
        }
    }
}

TEST_CASE("a reply nested a hundred thousand deep is read without recursion") {
    const std::string open(100'000, '[');
    const std::string close(100'000, ']');
    const auto reply = decode_reply(R"({"status":"ok","result":)" + open + close + "}");
    CHECK((!reply || reply->ok));
}

}  // namespace
}  // namespace blocky::test
