// Bundles of good and bad messages, against what a document says of them: every message gets its
// own answer, in order, and no message costs another one its answer.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/decoded.hpp"
#include "tests/support/random_request.hpp"

namespace blocky::test {
namespace {

struct Expected {
    Written written;                // its body is the message's text
    std::optional<ErrorCode> code;  // when it is bad
};

struct Bundle {
    std::string body;
    std::string producer;
    std::vector<Expected> messages;
};

std::string trimmed(const std::string& text) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

Expected random_message(Random& random) {
    static const std::vector<std::string> kBad{"1",
                                               "[]",
                                               "null",
                                               "\"value\"",
                                               "{}",
                                               R"({"id":"a"})",
                                               R"({"value":1,"valu\u0065":2})",
                                               R"({"value":1,"id":"\u0000"})",
                                               R"({"value":1,"deadline_ms":0})",
                                               R"({"value":1,"v":{}})",
                                               R"({"value":1,"producer":[{"value":1}]})"};
    Expected expected;
    if (random.one_in(5)) {
        expected.written.body = random.pick(kBad);
        expected.code = ErrorCode::kBadRequest;
    } else if (random.one_in(10)) {
        expected.written.body = R"({"v":7,"value":1})";
        expected.code = ErrorCode::kUnsupportedVersion;
    } else {
        expected.written = random_request(random);
        expected.written.body = trimmed(expected.written.body);
    }
    return expected;
}

Bundle random_bundle(Random& random) {
    Bundle bundle;
    std::string list = "\"messages\":[" + random_space(random);
    for (auto count = random.between(1, 6); count > 0; --count) {
        bundle.messages.push_back(random_message(random));
        list += bundle.messages.back().written.body + random_space(random);
        list += count > 1 ? "," + random_space(random) : "";
    }
    std::vector<std::string> members{list + "]" + random_space(random)};
    if (random.one_in(2)) {
        bundle.producer = random_name(random);
        std::string json;
        append_json_string(json, bundle.producer);
        members.push_back("\"producer\":" + json);
    }
    if (random.one_in(3)) {
        members.push_back("\"x\":" + random_json(random));
    }
    if (random.one_in(2)) {
        std::swap(members.front(), members.back());
    }
    for (const auto& member : members) {
        bundle.body += (bundle.body.empty() ? "{" : ",") + random_space(random) + member;
    }
    bundle.body += '}';
    return bundle;
}

void check_message(const Decoded& message, const Expected& expected, const std::string& inherited) {
    REQUIRE(message.bytes == expected.written.body.size());
    REQUIRE(message.refusal.has_value() == expected.code.has_value());
    if (expected.code) {
        REQUIRE(message.refusal->code == *expected.code);
        return;
    }
    const auto& written = expected.written;
    REQUIRE(message.value == written.value);
    REQUIRE(message.id == written.id);
    REQUIRE(message.producer == (written.producer.empty() ? inherited : written.producer));
}

// What must hold for any bytes: one answer for all or one for each, and what is taken is what a
// document has at that place.
void check_answer(const std::string& body) {
    CAPTURE(body);
    RequestDecoder decoder(1U << 20U);
    DecodedBody decoded;
    if (const auto answer = decoder.decode(body, decoded)) {
        REQUIRE(answer->message.starts_with("the body is not JSON:") == !nlohmann_accepts(body));
        return;
    }
    REQUIRE(nlohmann_accepts(body));
    const auto document = nlohmann::json::parse(body);
    REQUIRE(decoded.bundle == document.contains("messages"));
    if (!decoded.bundle) {
        return;
    }
    const auto& messages = document["messages"];
    REQUIRE(decoded.messages.size() == messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const auto& [request, bytes, refusal] = decoded.messages[i];
        if (!refusal) {
            REQUIRE(nlohmann::json::parse(request.value) == messages[i]["value"]);
            REQUIRE(request.id == messages[i].value("id", ""));
            REQUIRE(request.producer ==
                    messages[i].value("producer", document.value("producer", "")));
        }
    }
}

TEST_CASE("every message of a bundle gets its own answer, in order") {
    Random random;
    for (int i = 0; i < 10'000; ++i) {
        const auto bundle = random_bundle(random);
        CAPTURE(bundle.body);
        const auto messages = decode_bundle(bundle.body);
        REQUIRE(messages);
        REQUIRE(messages->size() == bundle.messages.size());
        for (std::size_t j = 0; j < messages->size(); ++j) {
            check_message(messages->at(j), bundle.messages[j], bundle.producer);
        }
        check_answer(bundle.body);
    }
}

TEST_CASE("a bundle that the client writes comes out as it went in") {
    Random random;
    for (int i = 0; i < 3'000; ++i) {
        std::vector<Written> written(random.between(1, 20));
        std::vector<PushRequest> sent;
        for (auto& message : written) {
            message.value = random_json(random);
            message.id = random.one_in(4) ? "" : random_name(random);
            sent.push_back({message.value, {}, message.id});
        }
        const auto producer = random.one_in(3) ? "" : random_name(random);
        const std::chrono::milliseconds deadline(random.below(3));
        const auto received = decode_bundle(encode_bundle(producer, deadline, sent));
        REQUIRE(received);
        REQUIRE(received->size() == sent.size());
        for (std::size_t j = 0; j < sent.size(); ++j) {
            const auto& message = received->at(j);
            REQUIRE_FALSE(message.refusal);
            REQUIRE(message.value == written[j].value);
            REQUIRE(message.id == written[j].id);
            REQUIRE(message.producer == producer);
            REQUIRE(message.deadline == deadline);
        }
    }
}

TEST_CASE("a bundle that is cut anywhere is one refusal") {
    Random random;
    for (int i = 0; i < 200; ++i) {
        const auto body = random_bundle(random).body;
        for (std::size_t size = 0; size < body.size(); ++size) {
            check_answer(body.substr(0, size));
            REQUIRE_FALSE(decode_bundle(body.substr(0, size)));
        }
    }
}

TEST_CASE("a bundle that is changed anywhere has one answer for all or one for each") {
    Random random;
    for (int i = 0; i < 40'000; ++i) {
        check_answer(mutated(random, random_bundle(random).body));
    }
}

}  // namespace
}  // namespace blocky::test
