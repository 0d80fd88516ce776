// Where --http listens, as operators write it. The address stays as they said: a name would need
// a resolver, and could be more than one address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blocky {

inline constexpr std::string_view kHttpAddressForm =
    "PORT, or ADDRESS:PORT with an IPv4 address, an IPv6 address in brackets, or localhost; "
    "port 0: any free one";

struct HttpAddress {
    std::string host = "127.0.0.1";  // numeric, without brackets: "127.0.0.1", "::1"
    std::uint16_t port = 0;          // 0: any free one

    bool is_ipv6() const { return host.find(':') != std::string::npos; }
    // Whether only this machine can reach it.
    bool is_loopback() const;
};

// "9090", ":9090" and "localhost:9090" are 127.0.0.1. Anything but kHttpAddressForm: nothing.
std::optional<HttpAddress> parse_http_address(std::string_view text);

// "http://127.0.0.1:9090/"
std::string url_of(const HttpAddress& address);

}  // namespace blocky
