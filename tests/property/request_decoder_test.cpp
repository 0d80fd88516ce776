// Any bytes give a message or a refusal, in agreement with nlohmann_json on what is JSON; and
// whatever was a valid request comes out exactly as it went in.
#include "common/request_decoder.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/random_json.hpp"

namespace blocky::test {
namespace {

constexpr std::size_t kLimit = 1U << 20U;

struct Written {
    std::string body;
    std::string value;
    std::string producer;
    std::string id;
};

// A text of 1 to 128 bytes.
std::string random_name(Random& random) {
    auto name = random_text(random, random.between(1, 30));
    return random.one_in(10) ? name + std::string(128 - name.size(), 'x') : name;
}

// A valid request with its members in any order, others between them, and any white space.
Written random_request(Random& random) {
    Written written;
    written.value = random_json(random);
    std::vector<std::string> members;
    const auto add = [&](const std::string& name, const std::string& json) {
        members.push_back("\"" + name + "\"" + random_space(random) + ":" + random_space(random) +
                          json + random_space(random));
    };
    const auto add_text = [&](const std::string& name, const std::string& text) {
        std::string json;
        append_json_string(json, text);
        add(name, json);
    };
    add(random.one_in(5) ? "v\\u0061lue" : "value", written.value);
    if (random.one_in(2)) {
        written.producer = random_name(random);
        add_text("producer", written.producer);
    }
    if (random.one_in(2)) {
        written.id = random_name(random);
        add_text("id", written.id);
    }
    if (random.one_in(4)) {
        add("v", "1");
    }
    if (random.one_in(4)) {
        add("deadline_ms", std::to_string(random.between(1, 1'000'000)));
    }
    for (auto others = random.below(3); others > 0; --others) {
        add(random.one_in(2) ? "x" : "values", random_json(random));
    }
    for (std::size_t i = members.size(); i > 1; --i) {
        std::swap(members[i - 1], members[random.below(i)]);
    }
    written.body = random_space(random) + "{";
    for (std::size_t i = 0; i < members.size(); ++i) {
        written.body += (i == 0 ? "" : ",") + random_space(random) + members[i];
    }
    written.body += "}" + random_space(random);
    return written;
}

bool is_json_to_nlohmann(const std::string& body) {
    // It skips a byte-order mark and takes a NUL for the end; RFC 8259 has neither.
    return nlohmann::json::accept(body) && !body.starts_with("\xEF\xBB\xBF") &&
           body.find('\0') == std::string::npos;
}

// What must hold for any bytes at all.
void check_answer(const std::string& body) {
    CAPTURE(body);
    const auto request = decode_request(body, kLimit);
    const bool json = is_json_to_nlohmann(body);
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

std::string mutated(Random& random, std::string body) {
    static const std::vector<std::string> kPieces{"\"value\":1,",
                                                  "\"id\":\"a\",",
                                                  "\"v\":2,",
                                                  "\"v\":1.0,",
                                                  "null",
                                                  "1e999",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  ":",
                                                  "\"",
                                                  "\\",
                                                  "\\ud800",
                                                  "\xFF",
                                                  "\xEF\xBB\xBF",
                                                  " ",
                                                  "\n",
                                                  "//",
                                                  "-",
                                                  "e"};
    for (auto changes = random.between(1, 3); changes > 0; --changes) {
        const auto place = random.below(body.size() + 1);
        const auto size = std::min(random.below(6), body.size() - place);
        switch (random.below(4)) {
            case 0:
                body.erase(place, size);
                break;
            case 1:
                body.insert(place, random.pick(kPieces));
                break;
            case 2:
                body.replace(place, size, random.bytes(size));
                break;
            default:
                body.insert(random.below(body.size() + 1), body.substr(place, size));
        }
    }
    return body;
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
        const PushRequest sent{value, random.one_in(3) ? "" : random_name(random),
                               random.one_in(3) ? "" : random_name(random)};
        const auto body = encode(sent);
        CAPTURE(body);
        const auto received = decode_request(body, body.size());
        REQUIRE(received);
        REQUIRE(received->value == value);
        REQUIRE(received->producer == sent.producer);
        REQUIRE(received->id == sent.id);
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
