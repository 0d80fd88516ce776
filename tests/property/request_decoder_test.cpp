// Any bytes give a message or a refusal, in agreement with nlohmann_json on what is JSON; and
// whatever was a valid request comes out exactly as it went in.
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/decoded.hpp"
#include "tests/support/random_request.hpp"

namespace blocky::test {
namespace {

constexpr std::size_t kLimit = 1U << 20U;

// What must hold for any bytes at all.
void check_answer(const std::string& body) {
    CAPTURE(body);
    const auto request = decode_request(body, kLimit);
    const bool json = nlohmann_accepts(body);
    if (request) {
        REQUIRE(json);
        const auto document = nlohmann::json::parse(body);
        REQUIRE(nlohmann::json::parse(request->value) == document["value"]);
        REQUIRE(request->producer == document.value("producer", ""));
        REQUIRE(request->id == document.value("id", ""));
        return;
    }
    const auto& [code, message, id] = request.error();
    REQUIRE(message.starts_with("the body is not JSON") <= !json);
    REQUIRE((code == ErrorCode::kBadRequest || (json && code == ErrorCode::kUnsupportedVersion)));
    Reply reply;
    reply.ok = false;
    reply.id = id;
    reply.message = message;
    REQUIRE(nlohmann::json::accept(encode(reply)));
}

TEST_CASE("a valid request comes out as it went in, its value to the byte") {
    Random random;
    for (int i = 0; i < 10'000; ++i) {
        const auto written = random_request(random);
        CAPTURE(written.body);
        const auto request = decode_request(written.body, written.body.size());
        REQUIRE(request);
        REQUIRE(request->value == written.value);
        REQUIRE(request->producer == written.producer);
        REQUIRE(request->id == written.id);
        check_answer(written.body);
    }
}

TEST_CASE("what the client writes the consumer reads") {
    Random random;
    for (int i = 0; i < 10'000; ++i) {
        const auto value = random_json(random);
        const auto producer = random.one_in(3) ? "" : random_name(random);
        const auto id = random.one_in(3) ? "" : random_name(random);
        const PushRequest sent{value, producer, id, std::chrono::milliseconds(random.below(3))};
        const auto body = encode(sent);
        CAPTURE(body);
        const auto received = decode_request(body, body.size());
        REQUIRE(received);
        REQUIRE(received->value == value);
        REQUIRE(received->producer == sent.producer);
        REQUIRE(received->id == sent.id);
        REQUIRE(received->deadline == sent.deadline);
    }
}

TEST_CASE("a request that is cut anywhere is refused, and so is one that goes on") {
    Random random;
    for (int i = 0; i < 200; ++i) {
        const auto body = random_request(random).body;
        for (std::size_t size = 0; size < body.size(); ++size) {
            check_answer(body.substr(0, size));
        }
        check_answer(body + random.pick(std::vector<std::string>{"}", "{}", "1", ",", "x"}));
    }
}

TEST_CASE("a request that is changed anywhere is a message or is refused") {
    Random random;
    for (int i = 0; i < 40'000; ++i) {
        check_answer(mutated(random, random_request(random).body));
    }
}

TEST_CASE("random bytes are a message or are refused") {
    Random random;
    for (int i = 0; i < 40'000; ++i) {
        check_answer(random.bytes(random.below(60)));
    }
}

}  // namespace
}  // namespace blocky::test
