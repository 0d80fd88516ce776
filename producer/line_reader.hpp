// Reads lines of any length from a descriptor in bounded memory, and stops waiting for more when
// the program is asked to stop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace blocky {

class LineReader {
public:
    enum class Status { kLine, kTooLong, kEnd, kStopped };

    // Reads from `descriptor` until `stop_descriptor` turns readable; both stay the caller's.
    // Of a line over `max_bytes` only so many are kept. What is there ends after `end` bytes,
    // though more should come.
    LineReader(int descriptor, std::size_t max_bytes, int stop_descriptor,
               std::uint64_t end = std::numeric_limits<std::uint64_t>::max());

    // The next line goes to `line`, without its newline or a CR before it. A last line without a
    // newline counts. Throws std::system_error when reading fails.
    Status next(std::string& line);

    // Whether next() would not wait. Reads what is there meanwhile. Throws as next() does.
    bool ready();

    int descriptor() const { return descriptor_; }
    // Bytes of the lines handed out so far, and of at most one more; not of what is read ahead.
    std::uint64_t bytes_taken() const { return bytes_read_ - (buffer_.size() - at_); }

private:
    enum class Fill { kMore, kNothing, kEnd, kStopped };
    bool advance(bool waits);
    bool take_part();
    Fill fill(bool waits);

    int descriptor_;
    std::size_t max_bytes_;
    int stop_descriptor_;
    std::uint64_t end_;
    std::string buffer_;
    std::size_t at_ = 0;             // of the first byte in buffer_ that was not taken
    std::string line_;               // so far
    bool too_long_ = false;          // more of it than is kept
    std::optional<Status> outcome_;  // of the line, once it is whole, or of the end
    std::uint64_t bytes_read_ = 0;
};

}  // namespace blocky
