// Requests and replies as they stand on the wire.
#include "common/protocol.hpp"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/decoded.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a request is written with the members it has") {
    CHECK(encode(PushRequest{"1", "", ""}) == R"({"value":1})");
    CHECK(encode(PushRequest{"[1, 2]", "p-1", ""}) == R"({"value":[1, 2],"producer":"p-1"})");
    CHECK(encode(PushRequest{"\"a\"", "p-1", "m:1"}) ==
          R"({"value":"a","producer":"p-1","id":"m:1"})");
    CHECK(encode(PushRequest{"1", "", "a", std::chrono::seconds(5)}) ==
          R"({"value":1,"id":"a","deadline_ms":5000})");
    CHECK(encode(PushRequest{"1", "grüße \"", "\\"}) ==
          R"({"value":1,"producer":"grüße \"","id":"\\"})");
}

TEST_CASE("a bundle says once what holds for all its messages") {
    const std::vector<PushRequest> messages{{"1", "ignored", "a"}, {"[2]", {}, {}}};
    CHECK(encode_bundle("p-1", std::chrono::milliseconds(7), messages) ==
          R"({"producer":"p-1","deadline_ms":7,"messages":[{"value":1,"id":"a"},{"value":[2]}]})");
    CHECK(encode_bundle("", std::chrono::milliseconds(7), {messages.data(), 1}) ==
          R"({"deadline_ms":7,"messages":[{"value":1,"id":"a"}]})");
    CHECK(encode_bundle("", std::chrono::milliseconds(0), {messages.data() + 1, 1}) ==
          R"({"messages":[{"value":[2]}]})");
}

TEST_CASE("what one side writes the other reads") {
    const PushRequest sent{R"({"a": [1, 2.50]})", "a \"name\"", "ü/\\", std::chrono::seconds(9)};
    const auto body = encode(sent);
    const auto received = decode_request(body, body.size());
    REQUIRE(received);
    CHECK(received->value == sent.value);
    CHECK(received->producer == sent.producer);
    CHECK(received->id == sent.id);
    CHECK(received->deadline == sent.deadline);
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
        {"expired", true},      {"rejected", false},
        {"sink_failed", true},  {"shutting_down", true}};
    REQUIRE(codes.size() == kErrorCodes);
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const auto code = static_cast<ErrorCode>(i);
        CHECK(to_string(code) == codes[i].first);
        CHECK(is_retryable(code) == codes[i].second);
    }
}

TEST_CASE("a deadline is written where there is one") {
    CHECK(encode(PushRequest{"1", "p", "a", 250ms}) ==
          R"({"value":1,"producer":"p","id":"a","deadline_ms":250})");
}

TEST_CASE("a bundle says once what holds for all of its messages") {
    const std::vector<PushRequest> messages{{"1", "", "a", {}}, {"[2]", "", "", {}}};
    CHECK(
        encode_bundle("p \"1\"", 250ms, messages) ==
        R"({"producer":"p \"1\"","deadline_ms":250,"messages":[{"value":1,"id":"a"},{"value":[2]}]})");
    CHECK(encode_bundle("", 0ms, {messages.data(), 1}) == R"({"messages":[{"value":1,"id":"a"}]})");
}

}  // namespace
}  // namespace blocky::test
