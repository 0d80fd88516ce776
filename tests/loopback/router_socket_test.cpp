// What protects the consumer's socket from its clients.
#include "consumer/router_socket.hpp"

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

using namespace zmq::sockopt;

TEST_CASE("there are no heartbeats, unless they are asked for") {
    zmq::context_t context;
    CHECK(RouterSocket(context, 1'000, 10).socket().get(heartbeat_ivl) == 0);
    RouterSocket asked_for(context, 1'000, 10, RouterSocket::Heartbeats::kOn);
    CHECK(asked_for.socket().get(heartbeat_ivl) + asked_for.socket().get(heartbeat_timeout) ==
          5'000);
}

TEST_CASE("the kernel finds out within five seconds that a host has vanished") {
    zmq::context_t context;
    RouterSocket router(context, 1'000, 10);
    auto& socket = router.socket();
    CHECK(socket.get(tcp_keepalive) == 1);
    CHECK(socket.get(tcp_keepalive_idle) +
              socket.get(tcp_keepalive_intvl) * socket.get(tcp_keepalive_cnt) ==
          5);
    CHECK(socket.get(tcp_maxrt) == 5'000);
}

TEST_CASE("each client has a queue of its own, of bounded length, both ways") {
    zmq::context_t context;
    RouterSocket router(context, 1'000, 70'000);
    CHECK(router.socket().get(rcvhwm) == 1'000);
    CHECK(router.socket().get(sndhwm) == 70'000);
    CHECK(router.socket().get(maxmsgsize) == 4'000);
    CHECK(router.socket().get(handshake_ivl) == 5'000);
}

}  // namespace
}  // namespace blocky::test
