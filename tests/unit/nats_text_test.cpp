// The NATS library's texts, as people see them.
#include "consumer/sinks/nats_text.hpp"

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

TEST_CASE("the place in the library's source is left out") {
    CHECK(without_source_position("(conn.c:2088): No server available for connection") ==
          "No server available for connection");
    CHECK(without_source_position("(js.c:1): (x)") == "(x)");
}

TEST_CASE("any other text stays as it is") {
    for (const auto* const text :
         {"", "Timeout", "(conn.c:2088)", "(conn.c:): x", "(conn.c): x", "(a b.c:1): x", "(1): x",
          "(): x", "x (conn.c:2088): y", "(see a:1): x"}) {
        CAPTURE(text);
        CHECK(without_source_position(text) == text);
    }
}

}  // namespace
}  // namespace blocky::test
