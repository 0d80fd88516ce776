// A bare TCP client for the HTTP server: sends whatever bytes a test wants, and reads with a
// deadline.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "tests/support/deadline.hpp"

namespace blocky::test {

class HttpClient {
public:
    // Connects to this port of 127.0.0.1. So many bytes may wait to be read; 0: as ever.
    explicit HttpClient(std::uint16_t port, int receive_buffer = 0)
        : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        REQUIRE(descriptor_ >= 0);
        if (receive_buffer > 0) {
            setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        }
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
    }
    ~HttpClient() {
        if (descriptor_ >= 0) {
            close(descriptor_);
        }
    }
    HttpClient(HttpClient&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    HttpClient& operator=(HttpClient&&) = delete;

    // Whether all of it was taken.
    bool send(const std::string& text) {
        return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(text.size());
    }

    HttpClient& get(const std::string& path, const std::string& headers = "",
                    const std::string& method = "GET") {
        REQUIRE(send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n"));
        return *this;
    }

    // All that comes until the server closes the connection, which it must do in time.
    std::string rest(std::chrono::milliseconds patience = kDeadline) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (receive(deadline)) {
        }
        CHECK_MESSAGE(ended_, "the connection is still open after ", patience.count(), " ms");
        return std::move(text_);
    }

    // Reads until `part` has come, which must be in time.
    bool wait_for(const std::string& part) {
        const auto deadline = std::chrono::steady_clock::now() + kDeadline;
        while (text_.find(part) == std::string::npos) {
            if (!receive(deadline)) {
                return false;
            }
        }
        return true;
    }

private:
    // False at the end, or when nothing comes in time.
    bool receive(std::chrono::steady_clock::time_point deadline) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0 || !readable(descriptor_, left)) {
            return false;
        }
        std::array<char, 65'536> part{};
        const auto got = recv(descriptor_, part.data(), part.size(), 0);
        ended_ = got <= 0;
        text_.append(part.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
        return !ended_;
    }

    int descriptor_;
    std::string text_;
    bool ended_ = false;
};

}  // namespace blocky::test
