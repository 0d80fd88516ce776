// A real HTTP server on any free port, and the board that it shows.
#pragma once

#include <chrono>
#include <string>

#include "consumer/http/http_server.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/made_up_snapshot.hpp"

namespace blocky::test {

struct ServingHttp {
    void put_up(Snapshot snapshot) { board.put_up(shared(std::move(snapshot))); }

    std::uint16_t port() const {
        const auto url = server.url();
        return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    }
    HttpClient connect(int receive_buffer = 0) const { return HttpClient(port(), receive_buffer); }

    // The whole answer to a request.
    std::string get(const std::string& path, const std::string& headers = "",
                    const std::string& method = "GET") const {
        return connect().get(path, headers, method).rest();
    }
    // Whether /healthz answers well, and soon.
    bool is_well() const {
        return connect().get("/healthz").rest(std::chrono::seconds(2)).starts_with(kOk);
    }

    static constexpr const char* kOk = "HTTP/1.1 200 ";

    SinkActivity activity;
    StatusBoard board{activity};
    HttpServer server{{HttpAddress{}, std::chrono::seconds(30)}, board};
};

}  // namespace blocky::test
