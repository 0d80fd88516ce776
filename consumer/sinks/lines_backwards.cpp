// Each block is followed in memory by the beginning of the one behind it: a line that begins in the
// one and goes on in the other has its beginning in one piece.
#include "consumer/sinks/lines_backwards.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace blocky {
namespace {

constexpr std::uint64_t kSmallBlock = 64U << 10U;

class BackwardsReader {
public:
    BackwardsReader(File& file, std::uint64_t end, const BackwardsLimits& limits,
                    const std::function<void(std::string_view head)>& visit)
        : file_(file),
          end_(end),
          limits_(limits),
          visit_(visit),
          buffer_(static_cast<std::size_t>(std::min<std::uint64_t>(limits.block_bytes, end)) +
                  limits.head_bytes),
          position_(end) {}

    IoResult<BackwardsEnd> run() {
        while (position_ > 0 && lines_ < limits_.lines) {
            if (position_ < end_ && Clock::now() >= limits_.until) {
                return BackwardsEnd::kTime;
            }
            if (const auto error = read_block()) {
                return tl::make_unexpected(error);
            }
            visit_block();
        }
        if (lines_ < limits_.lines && end_ > 0) {
            visit(0);
        }
        return lines_ < limits_.lines ? BackwardsEnd::kBeginningOfFile : BackwardsEnd::kLines;
    }

private:
    std::error_code read_block() {
        const auto kept = std::min(limits_.head_bytes, filled_);
        const auto bytes = std::min<std::uint64_t>(limits_.block_bytes, position_);
        block_ = static_cast<std::size_t>(bytes);
        position_ -= bytes;
        std::memmove(buffer_.data() + block_, buffer_.data(), kept);
        filled_ = block_ + kept;
        // The disk works on the next one while this one is looked at.
        const auto next = std::min<std::uint64_t>(limits_.block_bytes, position_);
        file_.expect_read(position_ - next, next);
        return read_all(file_, position_, {buffer_.data(), block_});
    }

    // A line begins behind each newline but the one that ends the file.
    void visit_block() {
        const char* const begin = buffer_.data();
        std::size_t end = block_;
        while (lines_ < limits_.lines) {
            const auto* const newline = static_cast<const char*>(memrchr(begin, '\n', end));
            if (newline == nullptr) {
                return;
            }
            end = static_cast<std::size_t>(newline - begin);
            if (position_ + end + 1 < end_) {
                visit(end + 1);
            }
        }
    }

    void visit(std::size_t at) {
        ++lines_;
        visit_({buffer_.data() + at, std::min(limits_.head_bytes, filled_ - at)});
    }

    File& file_;
    std::uint64_t end_;
    const BackwardsLimits& limits_;
    const std::function<void(std::string_view head)>& visit_;
    std::vector<char> buffer_;
    std::uint64_t position_;  // in the file, of the block in the buffer
    std::size_t block_ = 0;   // bytes of it
    std::size_t filled_ = 0;  // and with the beginning of the one behind it
    std::uint64_t lines_ = 0;
};

}  // namespace

IoResult<BackwardsEnd> visit_lines_backwards(
    File& file, std::uint64_t end, const BackwardsLimits& limits,
    const std::function<void(std::string_view head)>& visit) {
    return BackwardsReader(file, end, limits, visit).run();
}

IoResult<std::optional<std::uint64_t>> end_of_last_line(File& file, std::uint64_t size,
                                                        std::uint64_t most) {
    const auto first = size - std::min(size, most);
    std::vector<char> block;
    std::uint64_t bytes = 1;  // it is nearly always the last one
    while (size > first) {
        block.resize(static_cast<std::size_t>(std::min(bytes, size - first)));
        if (const auto error = read_all(file, size - block.size(), block)) {
            return tl::make_unexpected(error);
        }
        const auto* const newline =
            static_cast<const char*>(memrchr(block.data(), '\n', block.size()));
        size -= block.size();
        if (newline != nullptr) {
            return size + static_cast<std::uint64_t>(newline - block.data()) + 1;
        }
        bytes = kSmallBlock;
    }
    return size == 0 ? std::optional<std::uint64_t>(0) : std::nullopt;
}

std::error_code read_all(File& file, std::uint64_t at, std::span<char> into) {
    while (!into.empty()) {
        const auto bytes = file.read(at, into);
        if (!bytes) {
            return bytes.error();
        }
        if (*bytes == 0) {
            return std::make_error_code(std::errc::io_error);  // somebody else cuts it
        }
        at += *bytes;
        into = into.subspan(*bytes);
    }
    return {};
}

}  // namespace blocky
