// getsockname(2), and comparing endpoints that may be written in several ways.
#include "consumer/passed_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "common/command_line.hpp"
#include "common/endpoint.hpp"

namespace blocky {
namespace {

std::optional<int> option_of(int descriptor, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? std::optional(value)
                                                                          : std::nullopt;
}

std::string host_text(int family, const void* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, address, text.data(), text.size());
    return family == AF_INET6 ? fmt::format("[{}]", text.data()) : text.data();
}

std::string tcp_endpoint(int family, const void* address, in_port_t port) {
    return fmt::format("tcp://{}:{}", host_text(family, address), ntohs(port));
}

// A path ends with a zero byte, an abstract name begins with one and is as long as it is.
std::string ipc_endpoint(const sockaddr_un& address, socklen_t size) {
    constexpr auto kHead = offsetof(sockaddr_un, sun_path);
    if (size <= kHead) {
        return {};
    }
    const std::string_view name(address.sun_path, size - kHead);
    if (name.front() == '\0') {
        return fmt::format("ipc://@{}", name.substr(1));
    }
    return fmt::format("ipc://{}", name.substr(0, name.find('\0')));
}

// Empty for what is neither tcp nor ipc.
std::string endpoint_of(int descriptor) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* const generic = reinterpret_cast<sockaddr*>(&storage);
    if (getsockname(descriptor, generic, &size) != 0) {
        return {};
    }
    if (storage.ss_family == AF_INET) {
        const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
        return tcp_endpoint(AF_INET, &address.sin_addr, address.sin_port);
    }
    if (storage.ss_family == AF_INET6) {
        const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
        return tcp_endpoint(AF_INET6, &address.sin6_addr, address.sin6_port);
    }
    return storage.ss_family == AF_UNIX
               ? ipc_endpoint(reinterpret_cast<const sockaddr_un&>(storage), size)
               : std::string{};
}

PassedSocket inspect(int descriptor, const std::string& name) {
    const auto refuse = [&](std::string_view why) {
        throw std::runtime_error(fmt::format(
            "the service manager passed descriptor {} ({}), which is {}; accepts stream sockets "
            "that listen, on tcp or ipc",
            descriptor, name, why));
    };
    const auto type = option_of(descriptor, SO_TYPE);
    if (!type) {
        refuse(errno == EBADF ? "not open" : "no socket");
    }
    if (type != SOCK_STREAM || option_of(descriptor, SO_ACCEPTCONN) != 1) {
        refuse("no stream socket that listens");
    }
    auto endpoint = endpoint_of(descriptor);
    if (endpoint.empty()) {
        refuse("on neither tcp nor ipc");
    }
    // ZeroMQ takes them as they are (tcp_listener.cpp, ipc_listener.cpp); accept(2) must not wait
    // where a connection has gone again.
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    return {descriptor, name, std::move(endpoint)};
}

// tcp: the address as inet_ntop(3) writes it. ipc: the path without links, `.` and `//`.
std::string canonical(const std::string& endpoint) {
    if (const auto file = socket_file(endpoint); !file.empty()) {
        std::error_code error;
        const auto path = std::filesystem::weakly_canonical(std::filesystem::absolute(file), error);
        return error ? endpoint : fmt::format("ipc://{}", path.string());
    }
    constexpr std::size_t kBegin = std::string_view("tcp://[").size();
    const auto colon = endpoint.rfind(':');
    in6_addr address{};
    if (is_ipv6(endpoint) &&
        inet_pton(AF_INET6, endpoint.substr(kBegin, colon - 1 - kBegin).c_str(), &address) == 1) {
        return fmt::format("tcp://{}{}", host_text(AF_INET6, &address), endpoint.substr(colon));
    }
    return endpoint;
}

bool are_same(const std::string& bind, const std::string& passed) {
    constexpr std::string_view kAny = "tcp://*:";
    if (bind.starts_with(kAny)) {
        const auto port = bind.substr(kAny.size());
        return passed == "tcp://0.0.0.0:" + port || passed == "tcp://[::]:" + port;
    }
    return canonical(bind) == canonical(passed);
}

void add(std::vector<std::string>& endpoints, const std::string& endpoint) {
    if (std::ranges::find(endpoints, endpoint) == endpoints.end()) {
        endpoints.push_back(endpoint);
    }
}

}  // namespace

std::vector<PassedSocket> inspect_passed_sockets(int first, int count, const std::string& names) {
    std::vector<PassedSocket> sockets;
    std::istringstream rest(names);
    for (int i = 0; i < count; ++i) {
        std::string name;
        std::getline(rest, name, ':');
        auto socket = inspect(first + i, name.empty() ? "unknown" : name);
        if (std::ranges::any_of(sockets, [&](const PassedSocket& other) {
                return other.endpoint == socket.endpoint;
            })) {
            throw std::runtime_error(fmt::format(
                "the service manager passed two sockets that listen on {}", socket.endpoint));
        }
        sockets.push_back(std::move(socket));
    }
    return sockets;
}

std::vector<std::string> with_passed(const std::vector<std::string>& bind,
                                     const std::vector<PassedSocket>& passed) {
    std::vector<std::string> endpoints;
    for (const auto& endpoint : bind) {
        const auto same = std::ranges::find_if(passed, [&](const PassedSocket& socket) {
            return are_same(endpoint, socket.endpoint);
        });
        add(endpoints, same == passed.end() ? endpoint : same->endpoint);
    }
    for (const auto& socket : passed) {
        if (bind.empty()) {
            add(endpoints, socket.endpoint);
        } else if (std::ranges::find(endpoints, socket.endpoint) == endpoints.end()) {
            throw UsageError(fmt::format(
                "--bind: got {}, but the service manager passed a socket ({}) that listens on {}; "
                "accepts each socket that is passed, or no --bind at all to serve just those",
                fmt::join(bind, " "), socket.name, socket.endpoint));
        }
    }
    return endpoints;
}

}  // namespace blocky
