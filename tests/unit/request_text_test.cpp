// The text of requests is that of the protocol's own writer, and as long as it was measured.
#include "producer/request_text.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/protocol.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

MessageText text_of(const PushRequest& request) {
    MessageText text;
    text.assign(request.value, request.id);
    return text;
}

std::string plain(const RequestText& text, const MessageText& message) {
    std::string body(text.plain_bytes(message), '?');
    REQUIRE(text.write_plain(body.data(), message) == body.data() + body.size());
    return body;
}

std::string bundle(const RequestText& text, const std::vector<PushRequest>& requests) {
    auto bytes = text.empty_bundle_bytes();
    for (std::size_t i = 0; i < requests.size(); ++i) {
        bytes += RequestText::member_bytes(text_of(requests[i]), i == 0);
    }
    std::string body(bytes, '?');
    auto* to = text.begin_bundle(body.data());
    for (std::size_t i = 0; i < requests.size(); ++i) {
        to = RequestText::write_member(to, text_of(requests[i]), i == 0);
    }
    REQUIRE(RequestText::end_bundle(to) == body.data() + body.size());
    return body;
}

TEST_CASE("a request and a bundle say what the protocol's writer says") {
    const std::vector<PushRequest> requests{
        {"1", "", "a", {}}, {R"({"x":[1, 2.50]})", "", "\"ü\\", {}}, {"\"s\"", "", "c:1", {}}};
    for (const std::string producer : {"", "p-1", "gr\"ü\\ße"}) {
        for (const auto deadline : {0ms, 250ms}) {
            const RequestText text(producer, deadline);
            CHECK(bundle(text, requests) == encode_bundle(producer, deadline, requests));
            for (auto request : requests) {
                const auto body = plain(text, text_of(request));
                request.producer = producer;
                request.deadline = deadline;
                CHECK(nlohmann::json::parse(body) == nlohmann::json::parse(encode(request)));
                CHECK(body.size() == encode(request).size());
            }
        }
    }
}

TEST_CASE("a message may have a producer of its own, alone and in a bundle") {
    const RequestText text("", 250ms);
    MessageText message;
    message.assign("1", "a\"", "p\"ü");
    CHECK(message.id() == R"("a\"")");
    CHECK(plain(text, message) == R"({"value":1,"producer":"p\"ü","id":"a\"","deadline_ms":250})");
    std::string member(RequestText::member_bytes(message, true), '?');
    CHECK(RequestText::write_member(member.data(), message, true) == member.data() + member.size());
    CHECK(member == R"({"value":1,"producer":"p\"ü","id":"a\""})");
    message.assign("2", "b");
    CHECK(message.json == R"({"value":2,"id":"b"})");
}

TEST_CASE("a message knows where its id stands") {
    CHECK(text_of({"1", "", "a", {}}).id() == R"("a")");
    CHECK(text_of({R"({"id":"b"})", "", "a\"", {}}).id() == R"("a\"")");
}

}  // namespace
}  // namespace blocky::test
