// What libzmq hears of a connection that it does not read: nothing, until it reads again.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include <doctest/doctest.h>

#include "tests/support/descriptors.hpp"

namespace blocky::test {
namespace {

std::array<int, 2> make_pair() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return ends;
}

// A connection that is watched, as libzmq does it: added first, and then told what for.
struct Watched {
    explicit Watched(std::uint32_t events, std::array<int, 2> ends = make_pair())
        : own(ends[0]), peer(ends[1]) {
        REQUIRE(control(EPOLL_CTL_ADD, 0) == 0);
        REQUIRE(control(EPOLL_CTL_MOD, events) == 0);
    }

    int control(int operation, std::uint32_t events) const {
        epoll_event event{events, {}};
        event.data.u64 = kName;
        return epoll_ctl(epoll.get(), operation, own.get(), &event);
    }
    void change(std::uint32_t events) const { CHECK(control(EPOLL_CTL_MOD, events) == 0); }
    void send(std::string_view text) const {
        REQUIRE(::send(peer.get(), text.data(), text.size(), 0) ==
                static_cast<ssize_t>(text.size()));
    }
    // What has happened; 0: nothing.
    std::uint32_t heard() const {
        epoll_event event{};
        const int count = epoll_wait(epoll.get(), &event, 1, 0);
        CHECK((count == 0 || event.data.u64 == kName));
        return count == 0 ? 0U : std::uint32_t{event.events};
    }

    static constexpr std::uint64_t kName = 42;
    Descriptor epoll{epoll_create1(EPOLL_CLOEXEC)};
    Descriptor own;
    Descriptor peer;
};

TEST_CASE("what is read or written is heard of as ever") {
    const Watched watched(EPOLLIN);
    CHECK(watched.heard() == 0);
    watched.send("a");
    CHECK(watched.heard() == EPOLLIN);
    watched.change(EPOLLIN | EPOLLOUT);
    CHECK(watched.heard() == (EPOLLIN | EPOLLOUT));
    watched.change(EPOLLOUT);
    CHECK(watched.heard() == EPOLLOUT);
}

TEST_CASE("the end of one that is read is input, and no more") {
    Watched watched(EPOLLIN);
    watched.send("a");
    watched.peer.close();
    CHECK(watched.heard() == EPOLLIN);
}

TEST_CASE("the end of one that is not to be read is heard of when it is read again") {
    Watched watched(EPOLLIN);
    watched.change(0);
    watched.change(0);
    watched.peer.close();
    CHECK(watched.heard() == 0);
    watched.change(EPOLLIN);
    CHECK(watched.heard() == EPOLLIN);
}

TEST_CASE("the end of one that is written only is the writer's, while it writes") {
    Watched watched(EPOLLIN);
    watched.change(0);
    watched.change(EPOLLOUT);
    watched.peer.close();
    CHECK(watched.heard() == EPOLLOUT);
    watched.change(0);
    CHECK(watched.heard() == 0);
    watched.change(EPOLLOUT);
    CHECK(watched.heard() == EPOLLOUT);
}

TEST_CASE("one that is not to be read can be taken off and added again") {
    Watched watched(EPOLLIN);
    watched.change(0);
    CHECK(watched.control(EPOLL_CTL_DEL, 0) == 0);
    CHECK(watched.control(EPOLL_CTL_DEL, 0) == -1);
    CHECK(errno == ENOENT);
    CHECK(watched.control(EPOLL_CTL_ADD, EPOLLIN) == 0);
    watched.peer.close();
    CHECK(watched.heard() == EPOLLIN);
}

TEST_CASE("a descriptor that is used again has nothing of the one before") {
    Watched before(EPOLLIN);
    before.change(0);
    const auto ends = make_pair();
    // Closed without being taken off, and the same number again.
    REQUIRE(dup2(ends[0], before.own.get()) == before.own.get());
    close(ends[0]);
    before.peer.close();
    CHECK(before.control(EPOLL_CTL_ADD, EPOLLIN) == 0);
    close(ends[1]);
    CHECK(before.heard() == EPOLLIN);
}

TEST_CASE("what was never added cannot be changed") {
    const Watched watched(EPOLLIN);
    CHECK(watched.control(EPOLL_CTL_DEL, 0) == 0);
    CHECK(watched.control(EPOLL_CTL_MOD, EPOLLIN) == -1);
    CHECK(errno == ENOENT);
    CHECK(watched.control(EPOLL_CTL_MOD, 0) == -1);
    CHECK(errno == ENOENT);
}

}  // namespace
}  // namespace blocky::test
