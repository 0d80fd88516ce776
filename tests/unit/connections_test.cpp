// Who has ended, whatever order ZeroMQ tells of descriptors and messages in.
#include "consumer/connections.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("a connection that ends is told once") {
    Connections connections;
    connections.accepted(7);
    connections.seen("a", 7);
    CHECK(connections.settle().empty());
    CHECK(connections.knows("a"));
    connections.ended(7);
    CHECK(connections.settle() == Names{"a"});
    CHECK_FALSE(connections.knows("a"));
    CHECK(connections.settle().empty());
}

TEST_CASE("a connection that never spoke is nobody") {
    Connections connections;
    connections.accepted(7);
    connections.ended(7);
    CHECK(connections.settle().empty());
}

TEST_CASE("a message read after its connection has ended belongs to nobody who is there") {
    Connections connections;
    connections.seen("a", 7);
    connections.accepted(7);
    connections.ended(7);
    CHECK(connections.settle() == Names{"a"});
    CHECK_FALSE(connections.knows("a"));
}

TEST_CASE("a descriptor that is used again at once has a new owner") {
    Connections connections;
    connections.seen("a", 7);
    connections.settle();
    connections.seen("b", 7);  // its message is read before the events
    connections.ended(7);
    connections.accepted(7);
    CHECK(connections.settle() == Names{"a"});
    CHECK(connections.knows("b"));
    connections.ended(7);
    CHECK(connections.settle() == Names{"b"});
}

TEST_CASE("a new name on a known descriptor means that the old one has gone") {
    Connections connections;
    connections.seen("a", 7);
    connections.settle();
    connections.seen("b", 7);
    CHECK(connections.settle() == Names{"a"});
    CHECK(connections.knows("b"));
}

}  // namespace
}  // namespace blocky::test
