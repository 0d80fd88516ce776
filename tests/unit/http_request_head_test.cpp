// What of a request reaches httplib, and whom the server answers to.
#include <string>

#include <doctest/doctest.h>

#include "consumer/http/request_head.hpp"

namespace blocky::test {

TEST_CASE("a head ends with its first empty line") {
    CHECK(head_size("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n") == 27);
    CHECK(head_size("GET / HTTP/1.0\n\nmore") == 16);
    CHECK(head_size("GET / HTTP/1.0\n\r\nmore") == 17);
    CHECK(head_size("\r\n\r\n") == 4);
}

TEST_CASE("a head without an empty line is not complete") {
    for (const auto* text :
         {"", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", "a\r\nb\r\n", "\r\n", "\n"}) {
        CAPTURE(text);
        CHECK_FALSE(head_size(text).has_value());
    }
}

TEST_CASE("only headers that mean something here are passed on") {
    CHECK(relevant_head("GET /x?y HTTP/1.1\r\nHOST: localhost\r\nRange: bytes=0-0,0-0\r\n"
                        "Accept-Encoding: gzip\r\nlast-event-id: a-1\r\nContent-Length: 9\r\n"
                        "If-None-Match: \"x\"\r\nExpect: 100-continue\r\n\r\n") ==
          "GET /x?y HTTP/1.1\r\nHOST: localhost\r\nlast-event-id: a-1\r\nIf-None-Match: "
          "\"x\"\r\n\r\n");
}

TEST_CASE("lines of a terminal get the ends that HTTP wants") {
    CHECK(relevant_head("GET / HTTP/1.1\nHost: a\n\n") == "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("a line that continues another, or has no colon, is dropped") {
    CHECK(relevant_head("GET / HTTP/1.1\r\nHost: a\r\n b\r\nHost\r\n\r\n") ==
          "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("a local server answers to this machine's name and to addresses only") {
    for (const auto* host : {"", "localhost", "LOCALHOST:9090", "127.0.0.1", "127.0.0.1:9090",
                             "[::1]:9090", "[::1]", "10.0.0.7:80"}) {
        CAPTURE(host);
        CHECK(is_local_host_header(host));
    }
    for (const auto* host : {"evil.example", "evil.example:9090", "localhost.evil.example",
                             "127.0.0.1.evil.example", "[evil]:80", "[", "[]"}) {
        CAPTURE(host);
        CHECK_FALSE(is_local_host_header(host));
    }
}

}  // namespace blocky::test
