// A plain TCP connection, closed again before it is any client's.
#include "producer/greeting.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

namespace blocky {
namespace {

// signature, version; then the mechanism's name, padded with zeros. The rest of ours is never sent:
// at a mechanism that is not its own the other side closes, perhaps before it has told its own.
constexpr std::array<unsigned char, 12> kOpening{0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0};
constexpr std::size_t kMechanismAt = 12;
constexpr std::size_t kMechanismBytes = 20;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(std::string_view endpoint) {
    endpoint.remove_prefix(std::string_view("tcp://").size());
    const auto colon = endpoint.rfind(':');
    std::string host(endpoint.substr(0, colon));
    if (host.starts_with('[')) {
        host = host.substr(1, host.size() - 2);
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port(endpoint.substr(colon + 1));
    if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
        found = nullptr;
    }
    return {found, freeaddrinfo};
}

class Connection {
public:
    explicit Connection(TimePoint end) : end_(end) {}
    ~Connection() {
        if (descriptor_ >= 0) {
            close(descriptor_);
        }
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool open(const addrinfo& to) {
        descriptor_ =
            socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol);
        if (descriptor_ < 0) {
            return false;
        }
        if (connect(descriptor_, to.ai_addr, to.ai_addrlen) == 0) {
            return true;
        }
        int error = errno;
        socklen_t size = sizeof error;
        return error == EINPROGRESS && wait_for(POLLOUT) &&
               getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }

    bool send_opening() const {
        return send(descriptor_, kOpening.data(), kOpening.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(kOpening.size());
    }

    // So many bytes, or fewer if no more come.
    std::string receive(std::size_t bytes) {
        std::string text;
        std::array<char, 64> block{};
        while (text.size() < bytes && wait_for(POLLIN)) {
            const auto got = recv(descriptor_, block.data(), block.size(), 0);
            if (got <= 0) {
                break;
            }
            text.append(block.data(), static_cast<std::size_t>(got));
        }
        return text;
    }

private:
    bool wait_for(short what) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
        pollfd item{descriptor_, what, 0};
        return left.count() > 0 && poll(&item, 1, static_cast<int>(left.count())) == 1;
    }

    TimePoint end_;
    int descriptor_ = -1;
};

}  // namespace

std::optional<std::string> mechanism_at(const std::string& endpoint, Duration patience) {
    const auto addresses = resolve(endpoint);
    Connection connection(Clock::now() + patience);
    if (!addresses || !connection.open(*addresses) || !connection.send_opening()) {
        return std::nullopt;
    }
    const auto greeting = connection.receive(kMechanismAt + kMechanismBytes);
    if (greeting.size() < kMechanismAt + kMechanismBytes || greeting[0] != '\xFF' ||
        greeting[10] < 3) {
        return std::nullopt;
    }
    const auto name = greeting.substr(kMechanismAt, kMechanismBytes);
    return name.substr(0, name.find('\0'));
}

}  // namespace blocky
