// One line out, one line in: texts as they were received, and every answer that is none told apart.
#include "consumer/sinks/exec_protocol.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Kind = Verdict::Kind;

BatchResult answer(const std::string& line, std::size_t count = 1) {
    CAPTURE(line);
    JsonValidator validator;
    auto result = read_answer(line, batch_of(numbers_up_to(count), 7), validator);
    REQUIRE_MESSAGE(result, result.error());
    return std::move(*result);
}

std::string no_answer(const std::string& line, std::size_t count = 1) {
    CAPTURE(line);
    JsonValidator validator;
    const auto result = read_answer(line, batch_of(numbers_up_to(count), 7), validator);
    REQUIRE_FALSE(result);
    return result.error();
}

Verdict verdict(const std::string& item) {
    auto verdicts = answer("{\"results\":[" + item + "]}");
    REQUIRE(verdicts);
    REQUIRE(verdicts->size() == 1);
    return verdicts->front();
}

TEST_CASE("a batch is one line with its number, ids, producers and values") {
    Batch batch;
    batch.number = 7;
    batch.add(1, "p\"1", "a", "1.50");
    batch.add(2, "", "", R"({"k" : "é\u0000"})");
    CHECK(batch_line(batch, "run") ==
          R"({"batch":7,"messages":[{"id":"a","producer":"p\"1","value":1.50},)"
          R"({"id":"run:2","producer":null,"value":{"k" : "é\u0000"}}]})"
          "\n");
}

TEST_CASE("a value's line breaks do not end the line, and nothing else of it changes") {
    const auto line = batch_line(batch_of({"[1,\n2,\r\n\"a\\nb\u2028\"]", "1e400000000"}), "run");
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(line.find("\"value\":[1, 2,  \"a\\nb\u2028\"]}") != std::string::npos);
    CHECK(line.find("\"value\":1e400000000}") != std::string::npos);
}

TEST_CASE("a result travels as it was written") {
    CHECK(verdict(R"({"ok":true,"result":{"a" : [1.50, "é\u0041"]}})").detail ==
          R"({"a" : [1.50, "é\u0041"]})");
    CHECK(verdict(R"({ "result" : null , "ok" : true , "more":1 })").detail == "null");
    CHECK(verdict(R"({"\u006fk":true})").detail.empty());
    CHECK(verdict(R"({"ok":true})").kind == Kind::kStored);
}

TEST_CASE("a rejected message has the command's own words") {
    const auto rejected = verdict(R"({"ok":false,"error":"no \"such\" thing\n"})");
    CHECK(rejected.kind == Kind::kRejected);
    CHECK(rejected.detail == "no \"such\" thing\n");
    CHECK(verdict(R"({"ok":false,"error":{"code":7}})").detail == R"({"code":7})");
    CHECK(verdict(R"({"ok":false})").detail == "the command did not say why");
    CHECK(verdict(R"({"ok":false,"error":""})").detail == "the command did not say why");
}

TEST_CASE("a command may say that it had a message before") {
    CHECK(verdict(R"({"ok":true,"duplicate":true,"result":1})").kind == Kind::kDuplicate);
    CHECK(verdict(R"({"ok":true,"duplicate":true,"result":1})").detail.empty());
    CHECK(verdict(R"({"ok":true,"duplicate":false})").kind == Kind::kStored);
    CHECK(verdict(R"({"ok":false,"duplicate":true})").kind == Kind::kRejected);
}

TEST_CASE("verdicts come in the order of the results") {
    const auto verdicts =
        answer(R"({"results":[{"ok":true,"result":1},{"ok":false},{"ok":true,"result":3}]})", 3);
    REQUIRE(verdicts);
    CHECK(verdicts->at(0).detail == "1");
    CHECK(verdicts->at(1).kind == Kind::kRejected);
    CHECK(verdicts->at(2).detail == "3");
}

TEST_CASE("an error fails the whole batch, for good only if the command says so") {
    const auto kind_of = [](const std::string& line) {
        const auto result = answer(line);
        REQUIRE_FALSE(result);
        CHECK(result.error().reason == "the model is not there");
        return result.error().kind;
    };
    CHECK(kind_of(R"({"error":"the model is not there","retry":true})") ==
          SinkFailure::Kind::kTransient);
    CHECK(kind_of(R"({"error":"the model is not there"})") == SinkFailure::Kind::kTransient);
    CHECK(kind_of(R"({"error":"the model is not there","retry":false})") ==
          SinkFailure::Kind::kPermanent);
}

TEST_CASE("the wrong number of results is no answer") {
    CHECK(no_answer(R"({"results":[]})") == "has given 0 results for 1 messages");
    CHECK(no_answer(R"({"results":[{"ok":true},{"ok":true}]})") ==
          "has given 2 results for 1 messages");
}

TEST_CASE("an answer that names a batch is one for no other") {
    for (const std::string members : {R"("results":[{"ok":true}])", R"("error":"x")"}) {
        for (const std::string number : {"7", "7.0", "0.7e1"}) {
            CHECK(answer("{\"batch\":" + number + "," + members + "}").has_value() ==
                  (members[1] == 'r'));
        }
        for (const std::string number : {"6", "8", "-7", "7.5", "1e300", "\"7\"", "null", "[7]"}) {
            CHECK(no_answer("{" + members + ",\"batch\":" + number + "}")
                      .starts_with("has answered batch " + number + " when it was asked batch 7"));
        }
    }
    CHECK(no_answer(R"({"batch":7,"batch":7,"error":"x"})").starts_with("has answered {\"batch"));
    // The number tells more than the count.
    CHECK(no_answer(R"({"batch":6,"results":[]})").starts_with("has answered batch 6"));
}

TEST_CASE("what is not JSON, or not this protocol, is no answer and is quoted") {
    for (const std::string line :
         {"", "Loading the model", "{", "[]", "null", "{}", "{\"results\":{}}",
          R"({"results":[NaN]})", R"({"results":[{"ok":true,"result":1e999}]})",
          R"({"results":[{"ok":true}],"error":"x"})", R"({"error":"x","retry":1})",
          R"({"results":[{"ok":true}],"results":[{"ok":true}]})", "{\"error\":\"x\"} {}"}) {
        CHECK(no_answer(line).starts_with("has answered " + line.substr(0, 5)));
    }
    for (const std::string item :
         {"1", "{}", "[]", R"({"ok":1})", R"({"ok":"true"})", R"({"ok":true,"ok":false})",
          R"({"ok":true,"duplicate":1})", R"({"result":1})"}) {
        CHECK(no_answer("{\"results\":[" + item + "]}").starts_with("has given " + item));
    }
}

TEST_CASE("a result nests as deep as a value may, and no deeper") {
    const auto nested = [](std::size_t depth) {
        return R"({"results":[{"ok":true,"result":)" + std::string(depth, '[') +
               std::string(depth, ']') + "}]}";
    };
    CHECK(answer(nested(64)));
    CHECK_FALSE(no_answer(nested(65)).empty());
    CHECK_FALSE(no_answer(nested(100'000)).empty());
}

}  // namespace
}  // namespace blocky::test
