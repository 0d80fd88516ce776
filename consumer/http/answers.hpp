// What is answered at each path. httplib has taken the request apart; it writes what is put into
// the response. Any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include <httplib.h>

#include "common/clock.hpp"
#include "consumer/http/event_stream.hpp"
#include "consumer/status_board.hpp"

namespace blocky {

inline constexpr std::size_t kMostEventStreams = 16;

class Answers {
public:
    struct Options {
        Duration stall_after{0};
        bool only_local = true;  // answer to names of this machine only
    };

    // Both must outlive it, and all responses. `refused` counts connections.
    Answers(const Options& options, const StatusBoard& board, const Ending& ending,
            std::function<std::uint64_t()> refused)
        : options_(options), board_(board), ending_(ending), refused_(std::move(refused)) {}

    void answer(const httplib::Request& request, httplib::Response& response);

private:
    bool answer_api(const httplib::Request& request, httplib::Response& response);
    void answer_health(const std::string& path, httplib::Response& response) const;
    void answer_status(httplib::Response& response) const;
    void answer_events(const httplib::Request& request, httplib::Response& response);
    void answer_metrics(httplib::Response& response) const;

    const Options options_;
    const StatusBoard& board_;
    const Ending& ending_;
    const std::function<std::uint64_t()> refused_;
    std::atomic<std::size_t> streams_{0};
};

}  // namespace blocky
