// poll, recv and send on a non-blocking socket.
#include "consumer/http/client_stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "consumer/http/request_head.hpp"

namespace blocky {
namespace {

using std::chrono::milliseconds;

// A client that has not kept up for so long is cut, though it may take a little now and then.
constexpr Duration kWritePatience = std::chrono::seconds(5);
// What a client still sends while it is told no.
constexpr Duration kLastWords = milliseconds(200);
constexpr std::size_t kLastBytes = 1U << 20U;

}  // namespace

bool ClientStream::wait_for(short events, TimePoint deadline) const {
    pollfd item{descriptor_, events, 0};
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    return poll(&item, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) == 1;
}

std::size_t ClientStream::receive(char* data, std::size_t size, TimePoint deadline) const {
    while (wait_for(POLLIN, deadline)) {
        const auto got = recv(descriptor_, data, size, 0);
        if (got >= 0 || (errno != EAGAIN && errno != EINTR)) {
            return got > 0 ? static_cast<std::size_t>(got) : 0;
        }
    }
    return 0;
}

ClientStream::Head ClientStream::receive_head(Duration patience) {
    const auto deadline = Clock::now() + patience;
    std::array<char, 4096> part{};
    while (head_.size() <= kLongestHead) {
        const auto got = receive(part.data(), part.size(), deadline);
        if (got == 0) {
            head_.clear();
            return Head::kNone;
        }
        head_.append(part.data(), got);
        const auto size = head_size(head_);
        if (size && *size <= kLongestHead) {
            head_ = relevant_head(std::string_view(head_).substr(0, *size));
            return Head::kComplete;
        }
    }
    head_.clear();
    return Head::kTooLong;
}

void ClientStream::finish() {
    shutdown(descriptor_, SHUT_WR);
    const auto deadline = Clock::now() + kLastWords;
    std::array<char, 4096> ignored{};
    std::size_t total = 0;
    while (total < kLastBytes) {
        const auto got = receive(ignored.data(), ignored.size(), deadline);
        if (got == 0) {
            return;
        }
        total += got;
    }
}

bool ClientStream::is_writable() const {
    pollfd item{descriptor_, POLLOUT | POLLRDHUP, 0};
    return poll(&item, 1, 0) >= 0 && (item.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}

ssize_t ClientStream::read(char* data, size_t size) {
    const auto part = std::string_view(head_).substr(head_read_, size);
    std::ranges::copy(part, data);
    head_read_ += part.size();
    return static_cast<ssize_t>(part.size());
}

ssize_t ClientStream::write(const char* data, size_t size) {
    bool waited = false;
    while (true) {
        const auto sent = send(descriptor_, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent >= 0 || errno != EAGAIN) {
            if (!waited) {
                cut_at_.reset();
            }
            return sent;
        }
        waited = true;
        cut_at_ = cut_at_.value_or(Clock::now() + kWritePatience);
        if (!wait_for(POLLOUT, *cut_at_)) {
            return -1;
        }
    }
}

// Nobody here asks where a client sits.
void ClientStream::get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const {}
void ClientStream::get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const {}

}  // namespace blocky
