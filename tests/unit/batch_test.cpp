// The plain values: a message's three texts in one piece of memory, and the words for a trigger.
#include "consumer/batch.hpp"

#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

TEST_CASE("a message keeps its number, producer, id and value") {
    const std::string value(100'000, 'v');
    Message message(42, "producer", "id", value);
    const Message moved = std::move(message);
    CHECK(moved.number() == 42);
    CHECK(moved.producer() == "producer");
    CHECK(moved.id() == "id");
    CHECK(moved.value() == value);
}

TEST_CASE("a short message survives being moved") {
    std::vector<Message> messages;
    for (std::uint64_t i = 0; i < 100; ++i) {
        messages.emplace_back(i, "p", "i", "1");
    }
    for (const auto& message : messages) {
        CHECK(message.producer() == "p");
        CHECK(message.id() == "i");
        CHECK(message.value() == "1");
    }
}

TEST_CASE("what was not given is empty") {
    const Message message(1, "", "", "null");
    CHECK(message.producer().empty());
    CHECK(message.id().empty());
    CHECK(message.value() == "null");
}

TEST_CASE("triggers have the words of the batch log") {
    CHECK(to_string(Trigger::kTimer) == "timer");
    CHECK(to_string(Trigger::kItems) == "items");
    CHECK(to_string(Trigger::kBytes) == "bytes");
    CHECK(to_string(Trigger::kDrain) == "drain");
}

TEST_CASE("stored and duplicate messages are processed, others are not") {
    CHECK(Verdict{Verdict::Kind::kStored, ""}.processed());
    CHECK(Verdict{Verdict::Kind::kDuplicate, ""}.processed());
    CHECK_FALSE(Verdict{Verdict::Kind::kRejected, ""}.processed());
    CHECK_FALSE(Verdict{Verdict::Kind::kFailed, ""}.processed());
}

}  // namespace
}  // namespace blocky::test
