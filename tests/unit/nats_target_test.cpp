// The target of the sink nats: what is one, and what a message shows of it.
#include "consumer/sinks/nats_target.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

TEST_CASE("a target names one server or several, and the subject") {
    const auto one = parse_nats_target("nats://127.0.0.1:4222#events.new");
    REQUIRE(one);
    CHECK(one->urls == std::vector<std::string>{"nats://127.0.0.1:4222"});
    CHECK(one->subject == "events.new");
    const auto three = parse_nats_target("nats://a:1,tls://user:p%23@b,[::1]:4222#x");
    REQUIRE(three);
    CHECK(three->urls == std::vector<std::string>{"nats://a:1", "tls://user:p%23@b", "[::1]:4222"});
    CHECK(three->subject == "x");
}

TEST_CASE("what lacks a server or a subject, or can be neither, is no target") {
    for (const auto* const text : {"",
                                   "#",
                                   "nats://a",
                                   "nats://a#",
                                   "#x",
                                   "nats://#x",
                                   "nats://a,#x",
                                   ",nats://a#x",
                                   "http://a#x",
                                   "nats://a:0#x",
                                   "nats://a:65536#x",
                                   "nats://a:b#x",
                                   "nats://a:#x",
                                   "nats://a/b#x",
                                   "nats://a b#x",
                                   "nats://a#x.",
                                   "nats://a#.x",
                                   "nats://a#x..y",
                                   "nats://a#x.*",
                                   "nats://a#x.>",
                                   "nats://a#x y",
                                   "nats://a#$JS.API.x"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_nats_target(text));
    }
}

TEST_CASE("a wildcard is a token, not a character") {
    CHECK(parse_nats_target("nats://a#x*.y>"));
}

TEST_CASE("no message shows who logs in, or how") {
    CHECK(without_credentials("nats://me:secret@a:1,nats://b,token@c#x@y") ==
          "nats://a:1,nats://b,c#x@y");
    CHECK(without_credentials("nats://a#x") == "nats://a#x");
    CHECK(without_credentials("me:p@ss@a") == "a");
    CHECK(without_credentials("nats://me:secret@a") == "nats://a");
}

}  // namespace
}  // namespace blocky::test
