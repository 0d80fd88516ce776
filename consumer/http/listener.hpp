// The listening socket of the HTTP server: bound when it is made, so that a port that is taken is
// told at start.
#pragma once

#include "consumer/http/http_address.hpp"

namespace blocky {

class Listener {
public:
    // Throws std::runtime_error that names the address.
    explicit Listener(const HttpAddress& address);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // Non-blocking; for poll.
    int get() const { return descriptor_; }
    // With the port that it was given.
    const HttpAddress& address() const { return address_; }

    // The port is free from now on.
    void close();
    // The descriptor of a new connection, non-blocking and the caller's; negative with errno.
    int accept() const;

private:
    void bind_and_listen();
    [[noreturn]] void fail() const;

    HttpAddress address_;
    int descriptor_;
};

}  // namespace blocky
