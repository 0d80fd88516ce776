// Takes endpoints apart.
#include "common/endpoint.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/json_text.hpp"

namespace blocky {
namespace {

constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kIpc = "ipc://";

struct TcpAddress {
    std::string host;
    std::string_view port;
};

std::optional<TcpAddress> split_tcp(std::string_view endpoint) {
    if (!endpoint.starts_with(kTcp)) {
        return std::nullopt;
    }
    const auto address = endpoint.substr(kTcp.size());
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    return TcpAddress{std::string(address.substr(0, colon)), address.substr(colon + 1)};
}

bool is_port(std::string_view port, bool for_bind) {
    if (for_bind && port == "*") {
        return true;
    }
    unsigned number = 0;
    const auto* const end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data(), end, number);
    return error == std::errc{} && stop == end && number <= 65535 && (for_bind || number > 0);
}

bool is_host(std::string_view host, bool for_bind) {
    if (host.starts_with('[') || host.ends_with(']')) {
        in6_addr ignored{};
        return host.size() > 2 && host.starts_with('[') && host.ends_with(']') &&
               inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(),
                         &ignored) == 1;
    }
    return (for_bind && host == "*") ||
           (!host.empty() && std::ranges::all_of(host, [](char character) {
               return std::isalnum(static_cast<unsigned char>(character)) != 0 ||
                      character == '.' || character == '-' || character == '_';
           }));
}

}  // namespace

bool is_endpoint(std::string_view endpoint, bool for_bind) {
    if (has_control_character(endpoint)) {
        return false;  // it would cut what ZeroMQ sees of it, or a line of the log
    }
    if (endpoint.starts_with(kIpc)) {
        const auto path_size = endpoint.size() - kIpc.size();
        return path_size > 0 && path_size < sizeof(sockaddr_un::sun_path);
    }
    const auto tcp = split_tcp(endpoint);
    return tcp && is_host(tcp->host, for_bind) && is_port(tcp->port, for_bind);
}

bool is_local(std::string_view endpoint) {
    if (endpoint.starts_with(kIpc)) {
        return true;
    }
    const auto tcp = split_tcp(endpoint);
    if (!tcp) {
        return false;
    }
    in_addr address{};
    if (inet_pton(AF_INET, tcp->host.c_str(), &address) == 1) {
        return (ntohl(address.s_addr) >> 24U) == 127;
    }
    return tcp->host == "localhost" || tcp->host == "lo" || tcp->host == "[::1]";
}

bool speaks_curve(std::string_view endpoint) {
    return endpoint.starts_with(kTcp);
}

std::string socket_file(std::string_view endpoint) {
    if (!endpoint.starts_with(kIpc) || endpoint.starts_with("ipc://@") || endpoint == "ipc://*") {
        return {};
    }
    return std::string(endpoint.substr(kIpc.size()));
}

bool is_ipv6(std::string_view endpoint) {
    return endpoint.starts_with("tcp://[");
}

}  // namespace blocky
