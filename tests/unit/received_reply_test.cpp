// What a producer makes of a reply, to one message and to a bundle.
#include "common/received_reply.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

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

TEST_CASE("of a member that is given twice the last one counts, whatever it is") {
    const auto busy = decode_reply(R"({"status":"ok","status":"error","code":"busy",)"
                                   R"("retry_after_ms":5,"retry_after_ms":"later"})");
    REQUIRE(busy);
    CHECK_FALSE(busy->ok);
    CHECK_FALSE(busy->retry_after);
    CHECK_FALSE(decode_bundle_reply(R"({"status":"mixed","replies":[],"replies":1})"));
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

TEST_CASE("names and strings may be written with escapes") {
    const auto reply = decode_reply(R"({"st\u0061tus":"\u006fk","id":"a\"\\","result":"\u0041"})");
    REQUIRE(reply);
    CHECK(reply->ok);
    CHECK(reply->id == "a\"\\");
    CHECK(reply->result == R"("\u0041")");
}

TEST_CASE("one ok answers a whole bundle, and says for how many") {
    const auto reply =
        decode_bundle_reply(R"({"status":"ok","count":1000,"batch":7,"size":2000,"result":55})");
    REQUIRE(reply);
    REQUIRE(reply->all);
    CHECK(reply->all->ok);
    CHECK(reply->count == 1000);
    CHECK(reply->all->batch == 7);
    CHECK(reply->all->size == 2000);
    CHECK(reply->all->result == "55");
    CHECK(reply->members.empty());
}

TEST_CASE("a mixed reply has one verdict each, and the text of each") {
    const auto reply = decode_bundle_reply(
        R"({"status":"mixed","replies":[{"status":"ok","id":"a","batch":1,"size":3}, )"
        R"({"status":"ok","id":"b","duplicate":true},{"status":"maybe"},5,)"
        R"({"status":"error","id":"e","code":"rejected","retry":false}]})");
    REQUIRE(reply);
    CHECK_FALSE(reply->all);
    const auto& members = reply->members;
    REQUIRE(members.size() == 5);
    CHECK(members[0].text == R"({"status":"ok","id":"a","batch":1,"size":3})");
    CHECK(members[0].reply->id == "a");
    CHECK(members[1].reply->duplicate);
    CHECK_FALSE(members[2].reply);
    CHECK_FALSE(members[3].reply);
    CHECK(members[4].reply->code == "rejected");
}

TEST_CASE("an error answers a whole bundle") {
    const auto reply = decode_bundle_reply(
        R"({"status":"error","code":"too_large","message":"no","retry":false})");
    REQUIRE(reply);
    REQUIRE(reply->all);
    CHECK_FALSE(reply->all->ok);
    CHECK(reply->all->code == "too_large");
}

TEST_CASE("what is no reply to a bundle is none, whatever it would be to a message") {
    for (const std::string body :
         {"", "[]", "{}", R"({"status":"ok"})", R"({"status":"ok","id":"a"})",
          R"({"status":"ok","count":0})", R"({"status":"ok","count":-1})",
          R"({"status":"ok","count":"2"})", R"({"status":"mixed"})",
          R"({"status":"mixed","replies":{}})", R"({"status":"error"})",
          R"({"status":"mixed","replies":[})"}) {
        CAPTURE(body);
        CHECK_FALSE(decode_bundle_reply(body));
    }
    CHECK_FALSE(decode_reply(R"({"status":"mixed","replies":[]})"));
}

}  // namespace
}  // namespace blocky::test
