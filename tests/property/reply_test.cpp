// Replies round trip, and any bytes are a reply or none.
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/protocol.hpp"
#include "common/received_reply.hpp"
#include "tests/support/random_json.hpp"

namespace blocky::test {
namespace {

TEST_CASE("what the consumer answers the client reads") {
    Random random;
    for (int i = 0; i < 10'000; ++i) {
        const auto id = random_text(random, random.below(20));
        const auto message = random_text(random, random.below(40));
        const auto result = random_json(random);
        Reply reply;
        reply.ok = random.one_in(2);
        reply.id = id;
        reply.batch = random.one_in(3) ? 0 : random.next();
        reply.size = random.next();
        reply.result = random.one_in(3) ? std::string_view() : result;
        reply.duplicate = random.one_in(3);
        reply.code = static_cast<ErrorCode>(random.below(kErrorCodes));
        reply.message = message;
        if (random.one_in(3)) {
            reply.retry_after = std::chrono::milliseconds(random.below(1'000'000));
        }
        const auto body = encode(reply);
        CAPTURE(body);
        const auto received = decode_reply(body);
        REQUIRE(received);
        REQUIRE(received->ok == reply.ok);
        REQUIRE(received->id == id);
        if (reply.ok) {
            REQUIRE(received->batch == reply.batch);
            REQUIRE(received->size == (reply.batch > 0 ? reply.size : 0));
            REQUIRE(received->result == reply.result);
            REQUIRE(received->duplicate == reply.duplicate);
        } else {
            REQUIRE(received->code == to_string(reply.code));
            REQUIRE(received->message == message);
            REQUIRE(received->retry == is_retryable(reply.code));
            REQUIRE(received->retry_after == reply.retry_after);
        }
    }
}

TEST_CASE("random bytes and random JSON are a reply only if they say so") {
    Random random;
    for (int i = 0; i < 20'000; ++i) {
        const auto body = random.one_in(2) ? random.bytes(random.below(60)) : random_json(random);
        CAPTURE(body);
        const bool claims = body.find("\"status\"") != std::string::npos;
        REQUIRE(decode_reply(body).has_value() <= claims);
        REQUIRE(decode_bundle_reply(body).has_value() <= claims);
    }
}

TEST_CASE("a reply that is cut anywhere is none") {
    Random random;
    for (int i = 0; i < 200; ++i) {
        Reply reply;
        reply.batch = 1;
        const auto result = random_json(random);
        reply.result = result;
        const auto body = encode(reply);
        for (std::size_t size = 0; size < body.size(); ++size) {
            REQUIRE_FALSE(decode_reply(body.substr(0, size)));
        }
    }
}

}  // namespace
}  // namespace blocky::test
