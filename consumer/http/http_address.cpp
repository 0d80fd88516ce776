// Takes the text apart at its last colon.
#include "consumer/http/http_address.hpp"

#include <arpa/inet.h>

#include <charconv>

#include <fmt/format.h>

namespace blocky {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    return error == std::errc{} && stop == end ? std::optional(port) : std::nullopt;
}

// Without brackets; nothing if that is no address.
std::optional<std::string> parse_host(std::string_view text) {
    if (text.empty() || text == "localhost") {
        return HttpAddress{}.host;
    }
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
        in6_addr ignored{};
        std::string host(text.substr(1, text.size() - 2));
        return inet_pton(AF_INET6, host.c_str(), &ignored) == 1 ? std::optional(host)
                                                                : std::nullopt;
    }
    in_addr ignored{};
    std::string host(text);
    return inet_pton(AF_INET, host.c_str(), &ignored) == 1 ? std::optional(host) : std::nullopt;
}

}  // namespace

bool HttpAddress::is_loopback() const {
    in_addr address{};
    if (inet_pton(AF_INET, host.c_str(), &address) == 1) {
        return (ntohl(address.s_addr) >> 24U) == 127;
    }
    in6_addr address6{};
    return inet_pton(AF_INET6, host.c_str(), &address6) == 1 && IN6_IS_ADDR_LOOPBACK(&address6);
}

std::optional<HttpAddress> parse_http_address(std::string_view text) {
    const auto colon = text.rfind(':');
    const bool only_port = colon == std::string_view::npos;
    const auto port = parse_port(only_port ? text : text.substr(colon + 1));
    const auto host = parse_host(only_port ? std::string_view() : text.substr(0, colon));
    if (!port || !host) {
        return std::nullopt;
    }
    return HttpAddress{*host, *port};
}

std::string url_of(const HttpAddress& address) {
    const auto* const form = address.is_ipv6() ? "http://[{}]:{}/" : "http://{}:{}/";
    return fmt::format(fmt::runtime(form), address.host, address.port);
}

}  // namespace blocky
