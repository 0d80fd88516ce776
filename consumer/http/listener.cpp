// socket, bind, listen. httplib's own would share its port with another consumer (SO_REUSEPORT),
// and would leave its descriptors to children.
#include "consumer/http/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace blocky {
namespace {

constexpr int kBacklog = 128;
constexpr int kSendBuffer = 256 << 10;  // left to itself it grows to megabytes per slow reader

union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

SocketAddress to_socket_address(const HttpAddress& address) {
    SocketAddress result{};
    if (address.is_ipv6()) {
        result.v6.sin6_family = AF_INET6;
        result.v6.sin6_port = htons(address.port);
        inet_pton(AF_INET6, address.host.c_str(), &result.v6.sin6_addr);
    } else {
        result.v4.sin_family = AF_INET;
        result.v4.sin_port = htons(address.port);
        inet_pton(AF_INET, address.host.c_str(), &result.v4.sin_addr);
    }
    return result;
}

}  // namespace

Listener::Listener(const HttpAddress& address)
    : address_(address),
      descriptor_(socket(address.is_ipv6() ? AF_INET6 : AF_INET,
                         SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    if (descriptor_ < 0) {
        fail();
    }
    bind_and_listen();
}

Listener::~Listener() {
    close();
}

void Listener::close() {
    if (descriptor_ >= 0) {
        ::close(std::exchange(descriptor_, -1));
    }
}

void Listener::bind_and_listen() {
    // The port of a consumer that has just ended can be had again; one in use cannot.
    const int yes = 1;
    setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    auto socket_address = to_socket_address(address_);
    socklen_t size = address_.is_ipv6() ? sizeof socket_address.v6 : sizeof socket_address.v4;
    if (bind(descriptor_, &socket_address.any, size) != 0 || listen(descriptor_, kBacklog) != 0 ||
        getsockname(descriptor_, &socket_address.any, &size) != 0) {
        const auto error = errno;
        close();
        errno = error;
        fail();
    }
    address_.port =
        ntohs(address_.is_ipv6() ? socket_address.v6.sin6_port : socket_address.v4.sin_port);
}

int Listener::accept() const {
    const int connection = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0) {
        setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    }
    return connection;
}

void Listener::fail() const {
    throw std::runtime_error(fmt::format("cannot listen on {}: {}", url_of(address_),
                                         std::generic_category().message(errno)));
}

}  // namespace blocky
