// One sentence for all sinks that store: counts, singular and plural.
#include "consumer/sinks/stored_summary.hpp"

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Kind = Verdict::Kind;

TEST_CASE("what was stored is counted, and what was not is said if there is any") {
    const auto summary = [](const std::vector<Verdict>& verdicts) {
        return stored_summary(verdicts, "row", "events.db");
    };
    CHECK(summary({}).text == "Stored 0 rows in events.db ✅");
    CHECK(summary({{}}).text == "Stored 1 row in events.db ✅");
    CHECK(summary({{}, {Kind::kDuplicate, ""}, {}}).text ==
          "Stored 2 rows in events.db ✅ 1 there already");
    CHECK(summary({{Kind::kRejected, "x"}}).text == "Stored 0 rows in events.db ✅ 1 refused");
    CHECK(summary({{Kind::kDuplicate, ""}, {Kind::kRejected, "x"}}).text ==
          "Stored 0 rows in events.db ✅ 1 there already, 1 refused");
    CHECK(summary({{}, {Kind::kDuplicate, ""}, {Kind::kRejected, "x"}}).json ==
          R"({"stored":1,"duplicates":1})");
}

}  // namespace
}  // namespace blocky::test
