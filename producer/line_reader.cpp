// read(2) in blocks, poll(2) before each.
#include "producer/line_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace blocky {
namespace {

constexpr std::size_t kBlockBytes = 1U << 16U;

}  // namespace

LineReader::LineReader(int descriptor, std::size_t max_bytes, int stop_descriptor)
    : descriptor_(descriptor), max_bytes_(max_bytes), stop_descriptor_(stop_descriptor) {}

LineReader::Status LineReader::next(std::string& line) {
    line.clear();
    bool too_long = false;
    while (true) {
        const auto unread = std::string_view(buffer_).substr(at_);
        const auto newline = unread.find('\n');
        const auto part = unread.substr(0, newline);
        const auto kept = std::min(part.size(), max_bytes_ + 1 - std::min(line.size(), max_bytes_));
        line.append(part.substr(0, kept));
        too_long = too_long || kept < part.size();
        at_ += part.size();
        if (newline != std::string_view::npos) {
            ++at_;
            break;
        }
        const auto fill_result = fill();
        if (fill_result == Fill::kStopped) {
            return Status::kStopped;
        }
        if (fill_result == Fill::kEnd) {
            if (line.empty()) {
                return Status::kEnd;
            }
            break;
        }
    }
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    return too_long || line.size() > max_bytes_ ? Status::kTooLong : Status::kLine;
}

// Replaces the buffer, which has been used up.
LineReader::Fill LineReader::fill() {
    std::array<pollfd, 2> items{{{descriptor_, POLLIN, 0}, {stop_descriptor_, POLLIN, 0}}};
    ssize_t count = -1;
    do {
        if (poll(items.data(), items.size(), -1) < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
        if (items[1].revents != 0) {
            return Fill::kStopped;
        }
        if (items[0].revents == 0) {
            continue;
        }
        buffer_.resize(kBlockBytes);
        at_ = 0;
        count = read(descriptor_, buffer_.data(), buffer_.size());
        if (count < 0 && errno != EINTR && errno != EAGAIN) {
            throw std::system_error(errno, std::generic_category(), "reading --input");
        }
    } while (count < 0);
    buffer_.resize(static_cast<std::size_t>(count));
    bytes_read_ += static_cast<std::uint64_t>(count);
    return count == 0 ? Fill::kEnd : Fill::kMore;
}

}  // namespace blocky
