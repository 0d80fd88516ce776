// read(2) in blocks, poll(2) before each.
#include "producer/line_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace blocky {
namespace {

constexpr std::size_t kBlockBytes = 1U << 16U;

}  // namespace

LineReader::LineReader(int descriptor, std::size_t max_bytes, int stop_descriptor,
                       std::uint64_t end)
    : descriptor_(descriptor),
      max_bytes_(max_bytes),
      stop_descriptor_(stop_descriptor),
      end_(end) {}

LineReader::Status LineReader::next(std::string& line) {
    advance(true);
    line.swap(line_);
    line_.clear();
    too_long_ = false;
    return *std::exchange(outcome_, std::nullopt);
}

bool LineReader::ready() {
    return advance(false);
}

// Whether there is an outcome for next() to hand out.
bool LineReader::advance(bool waits) {
    while (!outcome_) {
        const bool whole = take_part();
        const auto filled = whole ? Fill::kMore : fill(waits);
        if (filled == Fill::kNothing) {
            return false;
        }
        if (filled == Fill::kStopped) {
            outcome_ = Status::kStopped;
        } else if (filled == Fill::kEnd && line_.empty()) {
            outcome_ = Status::kEnd;
        } else if (whole || filled == Fill::kEnd) {
            if (line_.ends_with('\r')) {
                line_.pop_back();
            }
            const bool fits = !too_long_ && line_.size() <= max_bytes_;
            outcome_ = fits ? Status::kLine : Status::kTooLong;
        }
    }
    return true;
}

// Moves what there is of the line out of the buffer; true when its newline was there.
bool LineReader::take_part() {
    const auto unread = std::string_view(buffer_).substr(at_);
    const auto newline = unread.find('\n');
    const auto part = unread.substr(0, newline);
    const auto kept = std::min(part.size(), max_bytes_ + 1 - std::min(line_.size(), max_bytes_));
    line_.append(part.substr(0, kept));
    too_long_ = too_long_ || kept < part.size();
    at_ += part.size() + (newline == std::string_view::npos ? 0 : 1);
    return newline != std::string_view::npos;
}

// Replaces the buffer, which has been used up.
LineReader::Fill LineReader::fill(bool waits) {
    std::array<pollfd, 2> items{{{descriptor_, POLLIN, 0}, {stop_descriptor_, POLLIN, 0}}};
    ssize_t count = -1;
    do {
        const int events = poll(items.data(), items.size(), waits ? -1 : 0);
        if (events < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
        if (events > 0 && items[1].revents != 0) {
            return Fill::kStopped;
        }
        if (events <= 0 || items[0].revents == 0) {
            if (waits) {
                continue;
            }
            return Fill::kNothing;
        }
        buffer_.resize(std::min<std::uint64_t>(kBlockBytes, end_ - bytes_read_));
        at_ = 0;
        count = read(descriptor_, buffer_.data(), buffer_.size());
        if (count < 0 && errno != EINTR && errno != EAGAIN) {
            throw std::system_error(errno, std::generic_category(), "reading the input");
        }
        if (count < 0) {
            buffer_.clear();
        }
    } while (count < 0);
    buffer_.resize(static_cast<std::size_t>(count));
    bytes_read_ += static_cast<std::uint64_t>(count);
    return count == 0 ? Fill::kEnd : Fill::kMore;
}

}  // namespace blocky
