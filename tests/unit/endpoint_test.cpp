// Endpoints as users give them: which are accepted, which only this machine can reach.
#include "common/endpoint.hpp"

#include <string>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

TEST_CASE("a complete tcp or ipc endpoint can be bound and connected to") {
    for (const std::string endpoint :
         {"tcp://127.0.0.1:5555", "tcp://localhost:1", "tcp://[::1]:65535", "tcp://[fe80::1]:80",
          "tcp://consumer-1.example_net:5555", "ipc:///run/blocky.sock", "ipc://relative",
          "ipc://@abstract"}) {
        CAPTURE(endpoint);
        CHECK(is_endpoint(endpoint, true));
        CHECK(is_endpoint(endpoint, false));
    }
}

TEST_CASE("only a bind may leave the host or the port open") {
    for (const std::string endpoint :
         {"tcp://*:5555", "tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://*:*", "tcp://[::]:*"}) {
        CAPTURE(endpoint);
        CHECK(is_endpoint(endpoint, true));
        CHECK_FALSE(is_endpoint(endpoint, false));
    }
}

TEST_CASE("what is no endpoint is refused before ZeroMQ sees it") {
    for (const std::string endpoint : {"",
                                       "tcp",
                                       "tcp://",
                                       "tcp://:5555",
                                       "tcp://127.0.0.1",
                                       "tcp://127.0.0.1:",
                                       "tcp://127.0.0.1:65536",
                                       "tcp://127.0.0.1:-1",
                                       "tcp://127.0.0.1:+1",
                                       "tcp://127.0.0.1:5555 ",
                                       "tcp://127.0.0.1:x",
                                       "tcp://::1:5555",
                                       "tcp://[::1:5555",
                                       "tcp://::1]:5555",
                                       "tcp://[]:5555",
                                       "tcp://[x]:5555",
                                       "tcp://a b:1",
                                       "tcp://a;b:1",
                                       "udp://127.0.0.1:5555",
                                       "inproc://x",
                                       "127.0.0.1:5555",
                                       "TCP://127.0.0.1:5555",
                                       "ipc://",
                                       "pgm://eth0;239.192.1.1:5555"}) {
        CAPTURE(endpoint);
        CHECK_FALSE(is_endpoint(endpoint, true));
        CHECK_FALSE(is_endpoint(endpoint, false));
    }
}

TEST_CASE("an ipc path may be as long as the system's socket addresses") {
    CHECK(is_endpoint("ipc://" + std::string(107, 'p'), true));
    CHECK_FALSE(is_endpoint("ipc://" + std::string(108, 'p'), true));
}

TEST_CASE("no character cuts an endpoint short, or a line of the log") {
    CHECK_FALSE(is_endpoint(std::string("tcp://[::1\0]:5", 14), true));
    CHECK_FALSE(is_endpoint("ipc:///tmp/a\nb", true));
    CHECK_FALSE(is_endpoint(std::string("ipc:///tmp/a\0b", 14), true));
}

TEST_CASE("only loopback addresses and ipc are local") {
    for (const std::string endpoint :
         {"tcp://127.0.0.1:5555", "tcp://127.255.0.9:*", "tcp://localhost:5555", "tcp://lo:5555",
          "tcp://[::1]:5555", "ipc:///run/blocky.sock", "ipc://@abstract"}) {
        CAPTURE(endpoint);
        CHECK(is_local(endpoint));
    }
    for (const std::string endpoint :
         {"tcp://*:5555", "tcp://0.0.0.0:5555", "tcp://[::]:5555", "tcp://192.168.0.1:5555",
          "tcp://128.0.0.1:5555", "tcp://example.com:5555", "tcp://eth0:5555",
          "tcp://127.0.0.1.example.com:5555", "nonsense"}) {
        CAPTURE(endpoint);
        CHECK_FALSE(is_local(endpoint));
    }
}

TEST_CASE("only an ipc endpoint with a path has a socket file") {
    CHECK(socket_file("ipc:///run/blocky.sock") == "/run/blocky.sock");
    CHECK(socket_file("ipc://relative") == "relative");
    CHECK(socket_file("ipc://@abstract").empty());
    CHECK(socket_file("ipc://*").empty());
    CHECK(socket_file("tcp://127.0.0.1:5555").empty());
}

TEST_CASE("an address in brackets is IPv6") {
    CHECK(is_ipv6("tcp://[::1]:5555"));
    CHECK_FALSE(is_ipv6("tcp://127.0.0.1:5555"));
    CHECK_FALSE(is_ipv6("ipc://[::1]"));
}

}  // namespace
}  // namespace blocky::test
