// What one reader of /events is sent: the batches that have ended since the last time, and to a
// reader who asks for it the roster and the state, when they have changed. At most ten times a
// second, however many batches there are.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "consumer/status_board.hpp"

namespace blocky {

// That the server ends; readers wait for that, too.
class Ending {
public:
    void begin();
    bool has_begun() const;
    // Waits for it until then at most; whether it has begun.
    bool wait_until(TimePoint time) const;

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    bool begun_ = false;  // guarded by mutex_
};

class EventStream {
public:
    struct Request {
        bool with_state = false;
        std::string last_event_id;  // "RUN-NUMBER" of the last batch that the reader knows of
    };

    // For one thread. Both must outlive it.
    EventStream(const StatusBoard& board, const Ending& ending, Request request)
        : board_(board), ending_(ending), request_(std::move(request)) {}

    // What is to be sent next, waited for up to a second: empty if there is nothing.
    // Nothing: that was all, the consumer ends.
    std::optional<std::string> next();

private:
    std::string begin();
    std::string last();
    std::string news();
    void add_batches(std::string& text);
    void add_state(std::string& text);
    std::uint64_t known_batch() const;

    const StatusBoard& board_;
    const Ending& ending_;
    const Request request_;
    std::shared_ptr<const Snapshot> seen_;
    SinkStatus sink_;                      // as it was last told
    std::uint64_t batch_ = 0;              // the last one told
    std::optional<std::uint64_t> roster_;  // its version that was told
    bool begun_ = false;
    bool over_ = false;
    TimePoint woken_at_;
    TimePoint sent_at_;
};

}  // namespace blocky
