// Who gets a place, and who has to go.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include <doctest/doctest.h>

#include "consumer/http/connection_pool.hpp"
#include "tests/support/deadline.hpp"

namespace blocky::test {
namespace {

// Our end of a connection whose other end the pool has.
class Peer {
public:
    explicit Peer(ConnectionPool& pool) {
        std::array<int, 2> ends{};
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        descriptor_ = ends[0];
        pool.add(ends[1]);
    }
    ~Peer() { close(descriptor_); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    void send(char byte) const { REQUIRE(::send(descriptor_, &byte, 1, MSG_NOSIGNAL) == 1); }
    bool open() const { return !readable_now(descriptor_); }
    // All that comes until the connection is closed.
    std::string rest() const {
        std::string text;
        char byte = 0;
        while (readable(descriptor_) && recv(descriptor_, &byte, 1, 0) == 1) {
            text += byte;
        }
        return text;
    }

private:
    int descriptor_ = -1;
};

// Serves until a second byte comes, or the end; the first one is the request.
struct Pool {
    void serve(ConnectionPool::Connection& connection) {
        begun.step();
        char byte = 0;
        if (recv(connection.descriptor, &byte, 1, 0) == 1) {
            pool.has_asked(connection);
            asked.step();
            recv(connection.descriptor, &byte, 1, 0);
        }
    }

    Counter begun;
    Counter asked;
    ConnectionPool pool{2, [this](auto& connection) { serve(connection); }};
};

}  // namespace

TEST_CASE("each connection is served, and closed at its end") {
    Pool pool;
    for (int i = 0; i < 5; ++i) {
        const Peer peer(pool.pool);
        peer.send('a');
        REQUIRE(pool.asked.wait_for(i + 1));
        CHECK(peer.open());
        peer.send('b');
        CHECK(peer.rest().empty());
    }
    CHECK(pool.pool.refused() == 0);
}

TEST_CASE("when all places are taken the one that has asked nothing for longest goes") {
    Pool pool;
    const Peer first(pool.pool);
    const Peer second(pool.pool);
    REQUIRE(pool.begun.wait_for(2));
    const Peer third(pool.pool);
    CHECK(first.rest().empty());
    third.send('a');
    REQUIRE(pool.asked.wait_for(1));
    CHECK(second.open());
    CHECK(pool.pool.refused() == 1);
}

TEST_CASE("who has asked keeps the place, and the next is told that there is none") {
    Pool pool;
    const Peer first(pool.pool);
    const Peer second(pool.pool);
    first.send('a');
    second.send('a');
    REQUIRE(pool.asked.wait_for(2));
    const Peer third(pool.pool);
    CHECK(third.rest().starts_with("HTTP/1.1 503 "));
    CHECK(first.open());
    CHECK(second.open());
    CHECK(pool.pool.refused() == 1);
}

TEST_CASE("the end cuts who is still there, and takes nobody new") {
    Pool pool;
    const Peer first(pool.pool);
    first.send('a');
    REQUIRE(pool.asked.wait_for(1));
    pool.pool.end(Duration::zero());
    CHECK(first.rest().empty());
    CHECK(Peer(pool.pool).rest().starts_with("HTTP/1.1 503 "));
}

}  // namespace blocky::test
