// The consumer's HTTP server: answers from the status board, in threads of its own, so that nothing
// a client does can make a batch wait. It only ever tells; there is nothing to be changed by it.
#pragma once

#include <memory>
#include <string>

#include "common/clock.hpp"
#include "consumer/http/http_address.hpp"
#include "consumer/status_board.hpp"

namespace blocky {

class HttpServer {
public:
    struct Options {
        HttpAddress address;
        Duration stall_after{0};  // what /healthz calls a stall
    };

    // Listens from now on. `board` must outlive it. Throws std::runtime_error that names the
    // address if it cannot be had.
    HttpServer(const Options& options, StatusBoard& board);
    // As end().
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // "http://127.0.0.1:9090/", with the port that it was given.
    std::string url() const;

    // Tells readers of /events that this is the end, closes the board and all connections, and
    // ends the threads: within a fraction of a second, whatever clients do.
    void end();

private:
    class Site;
    std::unique_ptr<Site> site_;
};

}  // namespace blocky
