// The plain values: texts that stay where they are, and the words for a trigger.
#include "consumer/batch.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

TEST_CASE("a batch keeps the texts of its messages, however many and long, wherever it goes") {
    Batch batch;
    std::vector<std::string> values;
    for (std::uint64_t i = 0; i < 5000; ++i) {
        values.emplace_back(i % 100 == 0 ? 100'000 : i % 60, static_cast<char>('a' + i % 26));
        batch.add(i, "p-" + std::to_string(i), "id-" + std::to_string(i), std::string(values[i]));
    }
    const Batch moved = std::move(batch);
    REQUIRE(moved.messages.size() == values.size());
    for (std::uint64_t i = 0; i < values.size(); ++i) {
        const auto& message = moved.messages[i];
        REQUIRE(message.number == i);
        REQUIRE(message.producer == "p-" + std::to_string(i));
        REQUIRE(message.id == "id-" + std::to_string(i));
        REQUIRE(message.value == values[i]);
    }
}

TEST_CASE("what was not given is empty") {
    Batch batch;
    batch.add(1, "", "", "null");
    CHECK(batch.messages[0].producer.empty());
    CHECK(batch.messages[0].id.empty());
    CHECK(batch.messages[0].value == "null");
}

TEST_CASE("triggers have the words of the batch log") {
    CHECK(to_string(Trigger::kTimer) == "timer");
    CHECK(to_string(Trigger::kItems) == "items");
    CHECK(to_string(Trigger::kBytes) == "bytes");
    CHECK(to_string(Trigger::kBarrier) == "barrier");
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
