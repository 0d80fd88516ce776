// Bisection with any bad messages, and a sink that is down now and then: exactly those are
// rejected, all others are stored once and in order, and it costs no more than it may.
#include "consumer/settler.hpp"

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/descriptors.hpp"
#include "tests/support/fake_sink.hpp"
#include "tests/support/random.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Kind = Verdict::Kind;
using Numbers = std::set<std::uint64_t>;

Numbers random_numbers(Random& random, std::size_t size) {
    Numbers numbers;
    const auto count = random.one_in(3) ? random.below(size + 1) : random.below(5);
    for (std::size_t i = 0; i < count; ++i) {
        numbers.insert(random.between(1, size));
    }
    if (random.one_in(3)) {  // neighbours
        const auto first = random.between(1, size);
        for (auto number = first; number < std::min(size, first + 4); ++number) {
            numbers.insert(number);
        }
    }
    return numbers;
}

struct PickySink {
    PickySink(Random& source, std::size_t size)
        : random(source),
          refused(random_numbers(random, size)),
          down_one_in(random.pick<std::size_t>({3, 10, 1000})) {}

    BatchResult process(const Batch& part) {
        for (const auto& message : part.messages) {
            ++calls_of[message.number];
        }
        ++calls;
        if (random.one_in(down_one_in)) {
            ++calls_when_down;
            return fail_transiently();
        }
        const bool bad = std::ranges::any_of(part.messages, [&](const Message& message) {
            return refused.contains(message.number);
        });
        if (bad) {
            return fail(SinkFailure::Kind::kPermanent, "no");
        }
        for (const auto& message : part.messages) {
            stored.push_back(message.number);
        }
        return store(part);
    }

    Random& random;
    Numbers refused;
    std::size_t down_one_in;
    int calls = 0;
    int calls_when_down = 0;
    std::vector<std::uint64_t> stored;
    std::map<std::uint64_t, unsigned> calls_of;
};

TEST_CASE("exactly the bad messages are rejected, at the price of a search for each") {
    Random random;
    const TemporaryDirectory directory;
    for (int run = 0; run < 400; ++run) {
        const auto size = random.between(1, random.one_in(10) ? 3000 : 70);
        PickySink picky(random, size);
        CAPTURE(run);
        CAPTURE(size);
        CAPTURE(picky.refused.size());
        const auto path = directory.file("dead" + std::to_string(run));
        DeadLetter dead(path, "run");
        FakeSink sink([&](const Batch& part) { return picky.process(part); });
        Settler settler(sink, {}, &dead);
        const auto batch = batch_of(numbers_up_to(size));
        const auto verdicts = settler.settle(batch, [](Duration /*delay*/) { return true; });

        REQUIRE(verdicts.size() == size);
        std::vector<std::uint64_t> good;
        for (std::size_t i = 0; i < size; ++i) {
            const bool bad = picky.refused.contains(i + 1);
            REQUIRE(verdicts[i].kind == (bad ? Kind::kRejected : Kind::kStored));
            if (!bad) {
                good.push_back(i + 1);
            }
        }
        CHECK(picky.stored == good);  // once each, in order
        const auto searches = std::max<std::size_t>(picky.refused.size(), 1);
        CHECK(picky.calls - picky.calls_when_down <=
              static_cast<double>(searches) * (2 * std::log2(size) + 1));

        std::istringstream lines(text_of(path));
        auto expected = picky.refused.begin();
        for (std::string line; std::getline(lines, line); ++expected) {
            REQUIRE(expected != picky.refused.end());
            const auto letter = nlohmann::json::parse(line);
            REQUIRE(letter["payload"]["value"] == *expected);
            REQUIRE(letter["attempts"] == picky.calls_of[*expected]);
        }
        CHECK(expected == picky.refused.end());
    }
}

}  // namespace
}  // namespace blocky::test
