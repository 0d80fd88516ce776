// What a bundle may say: what spoils it whole, what costs one message only, and what stands beside
// the messages for all of them.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/decoded.hpp"

namespace blocky::test {
namespace {

using Codes = std::vector<std::string>;

// The word for each message: "ok" or its code.
Codes codes_of(const std::string& body) {
    CAPTURE(body);
    const auto messages = decode_bundle(body);
    if (!messages) {
        return {"all: " + std::string(to_string(messages.error().code))};
    }
    Codes codes;
    for (const auto& message : *messages) {
        codes.emplace_back(message.refusal ? to_string(message.refusal->code) : "ok");
    }
    return codes;
}

Codes codes_in(const std::string& messages) {
    return codes_of("{\"messages\":[" + messages + "]}");
}

const Codes kAllBad{"all: bad_request"};
const Codes kAllUnsupported{"all: unsupported_version"};

TEST_CASE("a bundle has its messages in order, each with its own members") {
    const auto messages =
        decode_bundle(R"({"messages":[{"value":1},)"
                      R"({"value":[2],"id":"b","producer":"p","deadline_ms":5,"v":1}]})");
    REQUIRE(messages);
    REQUIRE(messages->size() == 2);
    CHECK(messages->at(0).value == "1");
    CHECK(messages->at(0).id.empty());
    CHECK(messages->at(1).value == "[2]");
    CHECK(messages->at(1).id == "b");
    CHECK(messages->at(1).producer == "p");
    CHECK(messages->at(1).deadline.count() == 5);
}

TEST_CASE("a message counts for the bytes of its JSON text") {
    const auto messages =
        decode_bundle("{ \"messages\" : [ { \"value\" : 1 } , {\"value\":2},3 ]}");
    REQUIRE(messages);
    REQUIRE(messages->size() == 3);
    CHECK(messages->at(0).bytes == 15);
    CHECK(messages->at(1).bytes == 11);
    CHECK(messages->at(2).bytes == 1);
}

TEST_CASE("what stands beside the messages holds for all, before or after, but their own wins") {
    const std::string list =
        R"("messages":[{"value":1},{"value":2,"producer":"own","deadline_ms":9}])";
    const std::string beside = R"("producer":"all","deadline_ms":7,"v":1)";
    for (const auto& body : {"{" + beside + "," + list + "}", "{" + list + "," + beside + "}"}) {
        const auto messages = decode_bundle(body);
        REQUIRE(messages);
        CHECK(messages->at(0).producer == "all");
        CHECK(messages->at(0).deadline.count() == 7);
        CHECK(messages->at(1).producer == "own");
        CHECK(messages->at(1).deadline.count() == 9);
    }
}

TEST_CASE("a bundle that is no valid bundle is one refusal") {
    for (const std::string body :
         {R"({"messages":[]})", R"({"messages":{}})", R"({"messages":null})",
          R"({"messages":"[]"})", R"({"messages":[{"value":1}],"value":1})",
          R"({"value":1,"messages":[{"value":1}]})", R"({"id":"a","messages":[{"value":1}]})",
          R"({"messages":[{"value":1}],"messages":[{"value":1}]})",
          R"({"messages":1,"messages":[{"value":1}]})",
          R"({"messages":[{"value":1}],"m\u0065ssages":[{"value":1}]})",
          R"({"messages":[{"value":1}],"producer":5})",
          R"({"messages":[{"value":1}],"producer":""})",
          R"({"messages":[{"value":1}],"producer":"a","producer":"a"})",
          R"({"messages":[{"value":1}],"deadline_ms":0})", R"({"messages":[{"value":1}],"v":"1"})",
          R"({"messages":[{"value":1}],"v":1,"v":1})",
          R"({"messages":[{"value":1},{"value":1e999}]})", R"({"messages":[{"value":1}]}x)",
          R"([{"messages":[{"value":1}]}])"}) {
        CAPTURE(body);
        CHECK(codes_of(body) == kAllBad);
    }
    CHECK(decode_bundle(R"({"id":"a","messages":[{"value":1}]})").error().id == "a");
}

TEST_CASE("a bundle has 1 to 10,000 messages") {
    const auto of = [](std::size_t count) {
        std::string messages = "{\"value\":0}";
        for (std::size_t i = 1; i < count; ++i) {
            messages += ",{\"value\":0}";
        }
        return codes_in(messages);
    };
    CHECK(of(1) == Codes{"ok"});
    CHECK(of(kMaxBundle) == Codes(kMaxBundle, "ok"));
    CHECK(of(kMaxBundle + 1) == kAllBad);
    CHECK(of(50'000) == kAllBad);
}

TEST_CASE("a bad message inside a valid bundle costs only itself") {
    for (const std::string bad :
         {"1", "null", "[]", "\"value\"", "[{\"value\":1}]", "{}", R"({"id":"a"})",
          R"({"value":1,"value":2})", R"({"value":1,"id":5})", R"({"value":1,"id":"a\n"})",
          R"({"value":1,"producer":""})", R"({"value":1,"deadline_ms":-1})",
          R"({"value":1,"v":"1"})", R"({"value":1,"v":1,"v":1})",
          R"({"messages":[{"value":1}]})"}) {
        CAPTURE(bad);
        const std::string good = R"({"value":1})";
        CHECK(codes_in(bad) == Codes{"bad_request"});
        CHECK(codes_in(good + "," + bad + "," + good) == Codes{"ok", "bad_request", "ok"});
        CHECK(codes_in(bad + "," + good + "," + bad) == Codes{"bad_request", "ok", "bad_request"});
    }
}

TEST_CASE("a refused message is named by its id as far as that could be read") {
    const auto messages = decode_bundle(
        R"({"messages":[{"id":"a"},{"v":2,"value":1,"id":"\u0062"},{"id":""},7,{"value":1}]})");
    REQUIRE(messages);
    CHECK(messages->at(0).refusal->id == "a");
    CHECK(messages->at(1).refusal->id == "b");
    CHECK(messages->at(2).refusal->id.empty());
    CHECK(messages->at(3).refusal->id.empty());
    CHECK_FALSE(messages->at(4).refusal);
}

TEST_CASE("a message's own version is judged for it alone") {
    CHECK(codes_in(R"({"value":1,"v":2},{"value":1,"v":1},{"value":1},{"v":2})") ==
          Codes{"unsupported_version", "ok", "ok", "unsupported_version"});
}

TEST_CASE("an unknown version beside the messages holds for those that say none themselves") {
    const std::string list = R"("messages":[{"value":1,"id":"\u0061"},{"value":2,"v":1},7])";
    for (const auto& body : {"{\"v\":2," + list + "}", "{" + list + ",\"v\":2}"}) {
        CHECK(codes_of(body) == Codes{"unsupported_version", "ok", "unsupported_version"});
        CHECK(decode_bundle(body)->front().refusal->id == "a");
    }
}

TEST_CASE("one refusal says it when no message is of a version that is known") {
    CHECK(codes_of(R"({"v":2,"messages":[{"value":1},{"value":2}]})") == kAllUnsupported);
    CHECK(codes_of(R"({"messages":[{"value":1},{"value":2,"v":3}],"v":2})") == kAllUnsupported);
    // What a later version means by its members is not known here.
    for (const std::string body :
         {R"({"v":2,"messages":[]})", R"({"v":2,"messages":{}})", R"({"v":2,"messages":[1]})",
          R"({"v":2,"messages":[{"value":1,"v":1}],"value":1})"}) {
        CHECK(codes_of(body) == kAllUnsupported);
    }
}

TEST_CASE("`messages` inside a message is ignored like any other member") {
    CHECK(codes_in(R"({"value":1,"messages":[{"value":1}],"messages":5,"x":{"messages":[]}})") ==
          Codes{"ok"});
    CHECK(codes_of(R"({"messages":[{"value":{"messages":[1]}}],"x":{"messages":[]}})") ==
          Codes{"ok"});
}

TEST_CASE("a value inside a bundle may be nested 64 deep and no deeper") {
    const auto message = [](std::size_t depth) {
        return "{\"value\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    CHECK(codes_in(message(64) + "," + message(65) + "," + message(1000)) ==
          Codes{"ok", "bad_request", "bad_request"});
    CHECK(codes_in("{\"x\":" + std::string(1000, '[') + std::string(1000, ']') + ",\"value\":1}") ==
          Codes{"ok"});
}

TEST_CASE("a megabyte of brackets or members in a bundle is answered like any other") {
    const auto filled = [](std::string body, const std::string& piece) {
        while (body.size() + piece.size() < (1U << 20U) - 10) {
            body += piece;
        }
        return body;
    };
    CHECK(codes_of(filled(R"({"messages":[)", "[")) == kAllBad);
    CHECK(codes_of(filled(R"({"messages":[)", R"({"messages":[)")) == kAllBad);
    CHECK(codes_of(filled(R"({"messages":[1)", ",1") + "]}") == kAllBad);
    CHECK(codes_of(filled(R"({"messages":[{"value":1)", R"(,"\u0069d":"a")") + "}]}") ==
          Codes{"bad_request"});
    CHECK(codes_of(filled(R"({"v":2,"messages":[{"v":1,"value":1)", R"(,"\u0078":1)") + "}]}") ==
          Codes{"ok"});
    const std::string depth(250'000, '[');
    CHECK(codes_of(R"({"messages":[)" + depth + std::string(250'000, ']') + "]}") ==
          Codes{"bad_request"});
}

}  // namespace
}  // namespace blocky::test
