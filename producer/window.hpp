// The messages that a pipelined client has taken and that have no outcome yet: which wait to go and
// in which order, which request each is in, and which sit out a pause. Knows no socket, no clock
// and no reply. Its memory is bounded by its capacity and by the texts of what is in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "producer/push.hpp"
#include "producer/request_text.hpp"

namespace blocky {

// What is called with the outcome of a message; both arguments are valid during the call only.
using PushCallback = std::function<void(std::string_view id, const PushResult& result)>;

// A message without an outcome.
struct OpenMessage {
    enum class State { kFree, kWaiting, kSent, kPaused };

    State state = State::kFree;
    bool ever_sent = false;      // so that the consumer may have it
    bool alone = false;          // not to travel in a bundle
    std::uint64_t sequence = 0;  // in the order of their pushes
    std::uint64_t tag = 0;       // of the request it is in, while it is sent
    TimePoint pushed_at;
    std::string id;
    MessageText text;
    PushCallback callback;
};

// Messages under way that one reply will answer, in order.
struct OpenRequest {
    bool open = false;
    std::uint64_t tag = 0;
    TimePoint sent_at;
    std::vector<OpenMessage*> messages;  // nullptr: given up meanwhile
};

// Pointers to messages are valid until their release(), to requests until their close().
class Window {
public:
    // Room for so many messages. `first_tag` should be random: replies to another process's tags
    // must find nothing.
    Window(std::size_t capacity, std::uint64_t first_tag);

    bool empty() const { return size_ == 0; }
    bool full() const { return free_.empty(); }
    std::size_t size() const { return size_; }
    std::size_t bytes() const { return bytes_; }
    std::size_t requests() const { return open_requests_; }

    // A new message, not full() before, that waits behind all others. `producer`: empty for none.
    OpenMessage& add(std::string_view value, std::string_view id, std::string_view producer = {});
    // Takes the message out, wherever it is. Its strings stay until the next add().
    void release(OpenMessage& message);

    std::size_t waiting() const { return waiting_.size(); }
    OpenMessage& first_waiting() { return *waiting_.front(); }
    bool paused() const { return paused_ > 0; }

    // An empty request with a new tag.
    OpenRequest& open_request(TimePoint now);
    // Moves the first waiting message into it.
    void send_first_waiting(OpenRequest& request);
    // The request with that tag; nullptr when there is none.
    OpenRequest* find(std::uint64_t tag);
    // It is answered: its messages are to be released, paused or put back by the caller.
    void close(OpenRequest& request);

    // Sits out until resume(). It must not wait, and its request must be closed.
    void pause(OpenMessage& message);
    // All that paused wait again, before those that were pushed after them.
    void resume();
    // All that were sent wait again, in order; their requests are closed.
    void put_back_sent();
    // The same for one message of a request that was closed. order_waiting() must follow.
    void put_back(OpenMessage& message);
    void order_waiting();

    // The earliest of all requests; TimePoint::max() when there is none.
    TimePoint oldest_sent() const;
    // The earliest push of all messages; TimePoint::max() when there is none.
    TimePoint oldest_pushed() const;
    // All messages that `matches`, in order.
    std::vector<OpenMessage*> select(const std::function<bool(const OpenMessage&)>& matches);

private:
    void put_back_all(OpenMessage::State state);

    std::vector<OpenMessage> messages_;
    std::vector<OpenMessage*> free_;
    std::deque<OpenMessage*> waiting_;
    std::vector<OpenRequest> requests_;  // by tag, modulo its size
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
    std::size_t paused_ = 0;
    std::size_t open_requests_ = 0;
    std::uint64_t next_sequence_ = 0;
    std::uint64_t next_tag_;
};

}  // namespace blocky
