// Keys, names and comments, and each mistake with its line.
#include "consumer/allow_list.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/captured_log.hpp"

namespace blocky::test {
namespace {

const std::string kOne = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
const std::string kTwo = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
const std::string kThree = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

AllowList list_of(const std::string& text) {
    auto list = AllowList::parse(text);
    REQUIRE(list);
    return *list;
}

void check_mistake(const std::string& text, std::size_t line, const std::string& what) {
    CAPTURE(text);
    const auto list = AllowList::parse(text);
    REQUIRE_FALSE(list);
    CHECK(list.error().line == line);
    CAPTURE(list.error().what);
    CHECK(contains(list.error().what, what));
}

TEST_CASE("a line has a key, perhaps a name, and perhaps a comment") {
    const auto list = list_of("# who may push\n\n" + kOne + "\n  " + kTwo +
                              "\tpress-1  # hall 2\r\n" + kThree + " # no name\n   # nothing\n");
    CHECK(list.size() == 3);
    CHECK(list.name_of(kOne) == "");
    CHECK(list.name_of(kTwo) == "press-1");
    CHECK(list.name_of(kThree) == "");
    CHECK_FALSE(list.name_of("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%ct"));
    CHECK_FALSE(list.name_of(""));
}

TEST_CASE("the last line needs no end, and no line at all is a list of nobody") {
    CHECK(list_of(kOne + " a").name_of(kOne) == "a");
    CHECK(list_of("").size() == 0);
    CHECK(list_of("\n\n").size() == 0);
}

TEST_CASE("a # within a key or a name is part of it") {
    const std::string key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf#";
    const auto list = list_of(key + " press#1");
    CHECK(list.name_of(key) == "press#1");
}

TEST_CASE("names are told, and no name is none") {
    const auto list = list_of(kOne + " a\n" + kTwo + " b\n" + kThree + "\n");
    CHECK(list.has_name("a"));
    CHECK(list.has_name("b"));
    CHECK_FALSE(list.has_name("c"));
    CHECK_FALSE(list.has_name(""));
}

TEST_CASE("a mistake is told with its line") {
    check_mistake(kOne + "\nnokey\n", 2, "40 characters");
    check_mistake("\n# x\n" + kOne.substr(1), 3, "40 characters");
    check_mistake(kOne + " two names", 1, "without blanks");
    check_mistake(kOne + "\n" + kTwo + "\n" + kOne + " other", 3, "the key of line 1 again");
    check_mistake(kOne + " a\n" + kTwo + " b\n\n" + kThree + " b", 4, "the name of line 2 again");
    check_mistake(kOne + " " + std::string(129, 'n'), 1, "1 to 128 bytes");
    check_mistake(kOne + " a\x01z", 1, "control characters");
    check_mistake(kOne + " \xFF", 1, "UTF-8");
}

TEST_CASE("a name of 128 bytes and one with letters of any alphabet are names") {
    CHECK(list_of(kOne + " " + std::string(128, 'n')).has_name(std::string(128, 'n')));
    CHECK(list_of(kOne + " Kühlschrank").has_name("Kühlschrank"));
}

TEST_CASE("what one list has beyond another is counted by key") {
    const auto before = list_of(kOne + " a\n" + kTwo);
    const auto after = list_of(kTwo + " b\n" + kThree);
    CHECK(after.beyond(before) == 1);
    CHECK(before.beyond(after) == 1);
    CHECK(before.beyond(before) == 0);
}

}  // namespace
}  // namespace blocky::test
