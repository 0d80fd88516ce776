// What the producer prints of each reply.
#include "producer/reply_log.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/descriptors.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

Acknowledgement acknowledgement(const std::string& body) {
    auto reply = decode_reply(body);
    REQUIRE(reply);
    return {std::move(*reply), body, 998ms, {}};
}

std::string printed(ReplyFormat format, const std::string& body) {
    const auto reply = acknowledgement(body);
    return stdout_of([&] { ReplyLog(format).acknowledged("m-1", reply); });
}

std::string printed(ReplyFormat format, const PushFailure& failure) {
    return stdout_of([&] { ReplyLog(format).refused("m-1", failure); });
}

TEST_CASE("text says what became of the message in one line") {
    CHECK(printed(ReplyFormat::kText, R"({"status":"ok","batch":7,"size":10,"result":55})") ==
          "m-1 ok batch=7 size=10 result=55 (held 998 ms)\n");
    CHECK(printed(ReplyFormat::kText, R"({"status":"ok"})") == "m-1 ok (held 998 ms)\n");
    CHECK(printed(ReplyFormat::kText, R"({"status":"ok","duplicate":true})") ==
          "m-1 ok duplicate (held 998 ms)\n");
    CHECK(printed(ReplyFormat::kText, {PushFailure::Kind::kRefused, "rejected: too old", "{}"}) ==
          "m-1 error rejected: too old\n");
}

TEST_CASE("json is the reply itself") {
    const std::string body = R"({"status":"ok", "batch":7,"result":1.50})";
    CHECK(printed(ReplyFormat::kJson, body) == body + "\n");
    CHECK(printed(ReplyFormat::kJson, {PushFailure::Kind::kRefused, "x",
                                       "{\"status\":\"error\"}"}) == "{\"status\":\"error\"}\n");
    // Refused by the client itself: there was no reply.
    CHECK(printed(ReplyFormat::kJson, {PushFailure::Kind::kRefused, "too_large", ""}).empty());
}

TEST_CASE("a message of a bundle is printed as if it had had a reply of its own") {
    auto one = acknowledgement(R"({"status":"ok","id":"m-1","batch":7,"size":10,"result":1.50})");
    one.body.clear();
    CHECK(stdout_of([&] { ReplyLog(ReplyFormat::kJson).acknowledged("m-1", one); }) ==
          R"({"status":"ok","id":"m-1","batch":7,"size":10,"result":1.50})"
          "\n");
}

TEST_CASE("quiet prints nothing") {
    CHECK(printed(ReplyFormat::kQuiet, R"({"status":"ok"})").empty());
    CHECK(printed(ReplyFormat::kQuiet, {PushFailure::Kind::kRefused, "x", "{}"}).empty());
}

}  // namespace
}  // namespace blocky::test
