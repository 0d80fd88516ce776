// A batch and its waiters stay in step, also when messages are gone.
#include "consumer/held_batch.hpp"

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Texts = std::vector<std::string>;

// Messages with these numbers, whose values and connections are their numbers.
HeldBatch held_batch(const std::vector<std::uint64_t>& numbers) {
    HeldBatch held;
    for (const auto number : numbers) {
        const auto text = std::to_string(number);
        held.batch->add(number, "p-" + text, "id-" + text, text, at(std::chrono::seconds(number)));
        held.batch->bytes += 10;
        held.waiters.push_back({claim_from(text), at(0s), std::nullopt, nullptr, 10, 10});
    }
    return held;
}

void lose(HeldBatch& held, std::uint64_t number) {
    auto& waiter = held.waiters[held.find(number).value()];
    waiter.gone = true;
    ++held.gone;
    held.gone_bytes += waiter.message_bytes;
    held.batch->bytes -= waiter.message_bytes;
}

Texts values_of(const HeldBatch& held) {
    Texts values;
    for (const auto& message : held.batch->messages) {
        values.emplace_back(message.value);
    }
    return values;
}

Texts connections_of(const HeldBatch& held) {
    Texts connections;
    for (const auto& waiter : held.waiters) {
        connections.emplace_back(waiter.claim.connection());
    }
    return connections;
}

TEST_CASE("a new one is empty") {
    HeldBatch held;
    CHECK(held.empty());
    CHECK_FALSE(held.find(0));
    held.drop_gone();
    CHECK(held.empty());
}

TEST_CASE("a message is found by its number, and others are not") {
    const auto held = held_batch({3, 4, 9, 12});
    CHECK(held.find(3) == 0U);
    CHECK(held.find(9) == 2U);
    CHECK(held.find(12) == 3U);
    for (const std::uint64_t number : {0U, 2U, 5U, 8U, 10U, 13U}) {
        CHECK_FALSE(held.find(number));
    }
}

TEST_CASE("what is gone does not count, and leaves together with its waiter") {
    auto held = held_batch({1, 2, 3, 4, 5});
    for (const std::uint64_t number : {1U, 3U, 5U}) {
        lose(held, number);
    }
    CHECK(held.size() == 2);
    CHECK(held.find(3) == 2U);  // it keeps its place until then
    held.drop_gone();
    CHECK(held.size() == 2);
    CHECK(held.gone == 0);
    CHECK(values_of(held) == Texts{"2", "4"});
    CHECK(connections_of(held) == Texts{"2", "4"});
    CHECK(held.batch->messages[1].producer == "p-4");
    CHECK(held.batch->messages[1].id == "id-4");
    CHECK(held.batch->messages[1].received_at == at(4s));
    CHECK_FALSE(held.find(3));
    CHECK(held.find(4) == 1U);
}

TEST_CASE("the batch stays the same one, and keeps what it says of itself") {
    auto held = held_batch({1, 2});
    held.batch->number = 17;
    held.batch->trigger = Trigger::kItems;
    const auto batch = held.batch;
    lose(held, 1);
    held.drop_gone();
    CHECK(held.batch == batch);
    CHECK(batch->number == 17);
    CHECK(batch->trigger == Trigger::kItems);
    CHECK(batch->bytes == 10);
    CHECK(batch->messages.size() == 1);
}

TEST_CASE("a batch of which all is gone is empty") {
    auto held = held_batch({1, 2});
    lose(held, 1);
    lose(held, 2);
    CHECK(held.empty());
    held.drop_gone();
    CHECK(held.waiters.empty());
    CHECK(held.batch->messages.empty());
}

TEST_CASE("what is gone is dropped once it takes more room than what is not") {
    auto held = held_batch({1, 2, 3});
    lose(held, 1);
    held.drop_gone_if_worth_it();
    CHECK(held.waiters.size() == 3);  // too little
    held.gone_bytes += 5000;
    held.drop_gone_if_worth_it();
    CHECK(held.waiters.size() == 2);
    CHECK(held.gone_bytes == 0);
    held.batch->bytes += 6000;
    lose(held, 2);
    held.gone_bytes += 5000;
    held.drop_gone_if_worth_it();
    CHECK(held.waiters.size() == 2);  // less than what stays
    lose(held, 3);
    held.drop_gone_if_worth_it();
    CHECK(held.waiters.empty());
}

TEST_CASE("many that are gone are dropped, however small") {
    std::vector<std::uint64_t> numbers(2500);
    std::iota(numbers.begin(), numbers.end(), 1);
    auto held = held_batch(numbers);
    held.batch->bytes += 1'000'000;
    for (const auto number : numbers) {
        lose(held, number);
        held.drop_gone_if_worth_it();
        if (number == 1251) {
            break;
        }
    }
    CHECK(held.waiters.size() == 1249);
}

}  // namespace
}  // namespace blocky::test
