// A fixed set of messages and a table of requests, both reused without allocating.
#include "producer/window.hpp"

#include <algorithm>
#include <bit>

#include "common/invariant.hpp"

namespace blocky {
namespace {

// A message that was larger gives its memory back; smaller ones keep theirs for the next.
constexpr std::size_t kKeptBytes = 4096;

bool before(const OpenMessage* a, const OpenMessage* b) {
    return a->sequence < b->sequence;
}

}  // namespace

// Twice as many requests as can be open, so that a free one is never far from any tag.
Window::Window(std::size_t capacity, std::uint64_t first_tag)
    : messages_(capacity), requests_(std::bit_ceil(2 * capacity)), next_tag_(first_tag) {
    for (auto& message : messages_) {
        free_.push_back(&message);
    }
    std::ranges::reverse(free_);
}

OpenMessage& Window::add(std::string_view value, std::string_view id, std::string_view producer) {
    invariant(!full(), "a message is pushed only while there is room");
    auto& message = *free_.back();
    free_.pop_back();
    message.state = OpenMessage::State::kWaiting;
    message.ever_sent = false;
    message.alone = false;
    message.sequence = ++next_sequence_;
    message.id.assign(id);
    message.text.assign(value, id, producer);
    waiting_.push_back(&message);
    ++size_;
    bytes_ += message.text.json.size();
    return message;
}

void Window::release(OpenMessage& message) {
    if (message.state == OpenMessage::State::kWaiting) {
        // Almost always the first, when all are dropped in order, or the last, just pushed.
        const bool last = waiting_.back() == &message;
        waiting_.erase(last ? std::prev(waiting_.end()) : std::ranges::find(waiting_, &message));
    } else if (message.state == OpenMessage::State::kPaused) {
        --paused_;
    } else if (auto* const request = find(message.tag)) {
        std::ranges::replace(request->messages, &message, static_cast<OpenMessage*>(nullptr));
    }
    message.state = OpenMessage::State::kFree;
    --size_;
    bytes_ -= message.text.json.size();
    if (message.text.json.capacity() > kKeptBytes) {
        std::string().swap(message.text.json);
    }
    free_.push_back(&message);
}

OpenRequest& Window::open_request(TimePoint now) {
    auto* request = &requests_[++next_tag_ % requests_.size()];
    while (request->open) {
        request = &requests_[++next_tag_ % requests_.size()];
    }
    request->open = true;
    request->tag = next_tag_;
    request->sent_at = now;
    request->messages.clear();
    ++open_requests_;
    return *request;
}

void Window::send_first_waiting(OpenRequest& request) {
    auto& message = *waiting_.front();
    waiting_.pop_front();
    message.state = OpenMessage::State::kSent;
    message.ever_sent = true;
    message.tag = request.tag;
    request.messages.push_back(&message);
}

OpenRequest* Window::find(std::uint64_t tag) {
    auto& request = requests_[tag % requests_.size()];
    return request.open && request.tag == tag ? &request : nullptr;
}

void Window::close(OpenRequest& request) {
    request.open = false;
    --open_requests_;
}

void Window::pause(OpenMessage& message) {
    message.state = OpenMessage::State::kPaused;
    ++paused_;
}

void Window::resume() {
    put_back_all(OpenMessage::State::kPaused);
    paused_ = 0;
}

void Window::put_back_sent() {
    for (auto& request : requests_) {
        request.open = false;
    }
    open_requests_ = 0;
    put_back_all(OpenMessage::State::kSent);
}

void Window::put_back_all(OpenMessage::State state) {
    for (auto& message : messages_) {
        if (message.state == state) {
            put_back(message);
        }
    }
    order_waiting();
}

void Window::put_back(OpenMessage& message) {
    message.state = OpenMessage::State::kWaiting;
    waiting_.push_back(&message);
}

void Window::order_waiting() {
    std::ranges::sort(waiting_, before);
}

TimePoint Window::oldest_sent() const {
    auto oldest = TimePoint::max();
    for (const auto& request : requests_) {
        oldest = request.open ? std::min(oldest, request.sent_at) : oldest;
    }
    return oldest;
}

TimePoint Window::oldest_pushed() const {
    auto oldest = TimePoint::max();
    for (const auto& message : messages_) {
        const bool is_open = message.state != OpenMessage::State::kFree;
        oldest = is_open ? std::min(oldest, message.pushed_at) : oldest;
    }
    return oldest;
}

std::vector<OpenMessage*> Window::select(const std::function<bool(const OpenMessage&)>& matches) {
    std::vector<OpenMessage*> selected;
    for (auto& message : messages_) {
        if (message.state != OpenMessage::State::kFree && matches(message)) {
            selected.push_back(&message);
        }
    }
    std::ranges::sort(selected, before);
    return selected;
}

}  // namespace blocky
