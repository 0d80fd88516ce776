// A message as JetStream's API gives it back: its id, that there is none, or nothing of the kind.
#include "consumer/sinks/stream_message.hpp"

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

TEST_CASE("the id is found among the headers") {
    // NATS/1.0, Nats-Expected-Stream: E, Nats-Msg-Id: id é 0, Blocky-Run: r
    const auto message = parse_stream_message(
        R"({"type":"io.nats.jetstream.api.v1.stream_msg_get_response","message":{"subject":"e",)"
        R"("seq":12,"hdrs":"TkFUUy8xLjANCk5hdHMtRXhwZWN0ZWQtU3RyZWFtOiBFDQpOYXRzLU1zZy1JZDogaWQgw6)"
        R"(kgMA0KQmxvY2t5LVJ1bjogcg0KDQo=","data":"MQ==","time":"2026-11-23T11:30:01Z"}})");
    REQUIRE(message);
    CHECK(message->sequence == 12);
    CHECK(message->id == "id é 0");
}

TEST_CASE("a message without headers has no id") {
    const auto message = parse_stream_message(R"({"message":{"subject":"e","seq":3,"data":""}})");
    REQUIRE(message);
    CHECK(message->sequence == 3);
    CHECK(message->id.empty());
}

TEST_CASE("no message is sequence 0, any other error is none") {
    const auto none = parse_stream_message(
        R"({"error":{"code":404,"err_code":10037,"description":"no message found"}})");
    REQUIRE(none);
    CHECK(none->sequence == 0);
    CHECK_FALSE(parse_stream_message(R"({"error":{"code":503,"err_code":10008}})"));
    CHECK_FALSE(parse_stream_message(
        R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})"));
}

TEST_CASE("what is nothing of the kind is no message") {
    for (const auto* const text :
         {"", "[", "7", "[]", "{}", R"({"error":7})", R"({"message":{}})",
          R"({"message":{"seq":"x"}})", R"({"message":{"seq":1,"hdrs":7}})"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_stream_message(text));
    }
}

}  // namespace
}  // namespace blocky::test
