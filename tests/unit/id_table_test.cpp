// Which ids are known: held ones, and the last so many that were processed.
#include "consumer/id_table.hpp"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

constexpr IdTable::Secret kSecret{1, 2, 3};

// An id with its home at `slot` of a small table, told from others there by `which`: from half of
// them by the tag that the table keeps, from the rest by the whole hash only.
IdHash colliding(std::uint64_t slot, std::uint64_t which) {
    return {(slot + 4096 * (which % 2)) << 32U, which + 1};
}

void hold_and_commit(IdTable& table, IdHash id, std::uint64_t number = 1) {
    table.hold(id, number);
    table.commit(id);
}

TEST_CASE("an id is unknown, then held as a message, then committed") {
    IdTable table(10, kSecret);
    const auto id = table.hash("a");
    CHECK_FALSE(table.find(id));
    table.hold(id, 42);
    REQUIRE(table.find(id));
    CHECK_FALSE(table.find(id)->committed);
    CHECK(table.find(id)->held_as == 42);
    table.commit(id);
    REQUIRE(table.find(id));
    CHECK(table.find(id)->committed);
    CHECK(table.size() == 1);
}

TEST_CASE("a held id that was not processed is forgotten as if it had never come") {
    IdTable table(10, kSecret);
    const auto id = table.hash("a");
    table.hold(id, 1);
    table.forget(id);
    CHECK_FALSE(table.find(id));
    CHECK(table.size() == 0);
    table.hold(id, 2);
    CHECK(table.find(id)->held_as == 2);
}

TEST_CASE("the window keeps the ids that were processed last, in the order of processing") {
    IdTable table(3, kSecret);
    for (const std::string id : {"a", "b", "c", "d", "e"}) {
        table.hold(table.hash(id), 1);
    }
    for (const std::string id : {"e", "d", "c", "b", "a"}) {
        table.commit(table.hash(id));
    }
    for (const std::string forgotten : {"e", "d"}) {
        CHECK_FALSE(table.find(table.hash(forgotten)));
    }
    for (const std::string kept : {"c", "b", "a"}) {
        CHECK(table.find(table.hash(kept)));
    }
    CHECK(table.size() == 3);
    hold_and_commit(table, table.hash("f"));
    CHECK_FALSE(table.find(table.hash("c")));
}

TEST_CASE("ids that are held never leave, however many are processed meanwhile") {
    IdTable table(2, kSecret);
    table.hold(table.hash("held"), 7);
    for (int i = 0; i < 1000; ++i) {
        hold_and_commit(table, table.hash(std::to_string(i)));
    }
    REQUIRE(table.find(table.hash("held")));
    CHECK(table.find(table.hash("held"))->held_as == 7);
    CHECK(table.size() == 3);
}

TEST_CASE("a window of one remembers the last id, a window of none only what is held") {
    IdTable one(1, kSecret);
    hold_and_commit(one, one.hash("a"));
    CHECK(one.find(one.hash("a")));
    hold_and_commit(one, one.hash("b"));
    CHECK_FALSE(one.find(one.hash("a")));
    CHECK(one.find(one.hash("b")));

    IdTable none(0, kSecret);
    none.hold(none.hash("a"), 1);
    CHECK(none.find(none.hash("a")));
    none.commit(none.hash("a"));
    CHECK_FALSE(none.find(none.hash("a")));
    CHECK(none.size() == 0);
}

TEST_CASE("hashes depend on every byte of an id and on the secret") {
    const IdTable table(10, kSecret);
    const IdTable other(10, IdTable::Secret{9});
    CHECK(table.hash("a") == table.hash("a"));
    CHECK(table.hash("a") != table.hash("b"));
    CHECK(table.hash("a") != table.hash(std::string("a\0", 2)));
    CHECK(table.hash(std::string(128, 'x')) != table.hash(std::string(127, 'x') + "y"));
    CHECK(table.hash("a") != other.hash("a"));
    CHECK(table.hash("") != IdHash{});
}

TEST_CASE("deleting anywhere in a run of colliding ids loses none of the others") {
    constexpr std::uint64_t kRun = 6;
    for (std::uint64_t gone = 0; gone < kRun; ++gone) {
        // The last slots of the table, so that the run wraps around to its beginning.
        for (const std::uint64_t home : {0ULL, 5ULL, 4093ULL, 4095ULL}) {
            IdTable table(10, kSecret);
            for (std::uint64_t i = 0; i < kRun; ++i) {
                table.hold(colliding(home + i / 2, i), i + 1);
            }
            table.forget(colliding(home + gone / 2, gone));
            for (std::uint64_t i = 0; i < kRun; ++i) {
                CAPTURE(home);
                CAPTURE(gone);
                CAPTURE(i);
                const auto known = table.find(colliding(home + i / 2, i));
                CHECK(known.has_value() == (i != gone));
                CHECK((!known || known->held_as == i + 1));
            }
        }
    }
}

TEST_CASE("random holds and deletions among colliding ids agree with a map") {
    std::mt19937_64 random(1);
    IdTable table(10, kSecret);
    std::map<std::uint64_t, std::uint64_t> model;  // which → number
    const auto id = [](std::uint64_t which) { return colliding(4090 + which % 12, which); };
    for (std::uint64_t step = 1; step <= 50'000; ++step) {
        const std::uint64_t which = random() % 60;
        if (model.contains(which)) {
            table.forget(id(which));
            model.erase(which);
        } else {
            table.hold(id(which), step);
            model[which] = step;
        }
        REQUIRE(table.size() == model.size());
        const std::uint64_t probe = random() % 60;
        const auto known = table.find(id(probe));
        REQUIRE(known.has_value() == model.contains(probe));
        REQUIRE((!known || known->held_as == model[probe]));
    }
}

TEST_CASE("the table grows when more is held than it has room for, and loses nothing") {
    IdTable table(0, kSecret);
    constexpr std::uint64_t kHeld = 100'000;
    for (std::uint64_t i = 1; i <= kHeld; ++i) {
        table.hold(table.hash(std::to_string(i)), i);
    }
    CHECK(table.size() == kHeld);
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 1; i <= kHeld; ++i) {
        const auto known = table.find(table.hash(std::to_string(i)));
        wrong += known && known->held_as == i ? 0U : 1U;
    }
    CHECK(wrong == 0);
    for (std::uint64_t i = 1; i <= kHeld; ++i) {
        table.forget(table.hash(std::to_string(i)));
    }
    CHECK(table.size() == 0);
}

}  // namespace
}  // namespace blocky::test
