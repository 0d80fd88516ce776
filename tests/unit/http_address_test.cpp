// Addresses for --http as people write them.
#include "consumer/http/http_address.hpp"

#include <string>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

std::string url(std::string_view text) {
    const auto address = parse_http_address(text);
    return address ? url_of(*address) : "nothing";
}

}  // namespace

TEST_CASE("a port alone is one of this machine's") {
    CHECK(url("9090") == "http://127.0.0.1:9090/");
    CHECK(url(":9090") == "http://127.0.0.1:9090/");
    CHECK(url("localhost:9090") == "http://127.0.0.1:9090/");
}

TEST_CASE("an address stays as it was written") {
    CHECK(url("127.0.0.2:0") == "http://127.0.0.2:0/");
    CHECK(url("0.0.0.0:80") == "http://0.0.0.0:80/");
    CHECK(url("[::1]:65535") == "http://[::1]:65535/");
    CHECK(url("[::]:1") == "http://[::]:1/");
}

TEST_CASE("what is no address of that form is refused") {
    for (const auto* text : {"",
                             ":",
                             "x",
                             "-1",
                             "65536",
                             "99999999999",
                             "9090 ",
                             " 9090",
                             "0x50",
                             "127.0.0.1",
                             "127.0.0.1:",
                             "127.0.0:1",
                             "256.0.0.1:1",
                             "example.org:80",
                             "*:80",
                             "::1:80",
                             "[::1]",
                             "[]:80",
                             "[::1:80",
                             "[127.0.0.1]:80",
                             "[::1%lo]:80",
                             "http://127.0.0.1:80",
                             "1:2:3"}) {
        CAPTURE(text);
        CHECK(url(text) == "nothing");
    }
}

TEST_CASE("only loopback addresses are loopback") {
    for (const auto* text : {"1", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1"}) {
        CAPTURE(text);
        CHECK(parse_http_address(text).value().is_loopback());
    }
    for (const auto* text : {"0.0.0.0:1", "10.0.0.1:1", "128.0.0.1:1", "[::]:1", "[fe80::1]:1"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_http_address(text).value().is_loopback());
    }
}

}  // namespace blocky::test
