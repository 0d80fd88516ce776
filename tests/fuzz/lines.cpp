// Any bytes as the producer's input: the lines that a plain search for newlines finds, those that
// are too long told from the others.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "producer/line_reader.hpp"
#include "tests/fuzz/demand.hpp"

namespace blocky::fuzz {
namespace {

// The next line by a plain search; nothing at the end.
std::optional<std::string_view> take_line(std::string_view& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto newline = text.find('\n');
    auto line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

void check_lines(LineReader& reader, std::string_view text, std::size_t max_bytes) {
    std::string found;
    while (const auto line = take_line(text)) {
        demand(reader.ready(), "a file never keeps one waiting");
        const auto status = reader.next(found);
        const bool fits = line->size() <= max_bytes;
        demand(status == (fits ? LineReader::Status::kLine : LineReader::Status::kTooLong),
               "a line is told from one that is too long");
        demand(!fits || found == *line, "a line is as it was");
        demand(found.size() <= max_bytes + 1, "no more is kept than may be");
    }
    demand(reader.next(found) == LineReader::Status::kEnd, "behind the last line is the end");
}

// The first bytes say how long a line may be, and how often the text stands there.
void check(std::string_view input) {
    const auto max_bytes = take_number(input);
    std::string text;
    for (auto copies = take_number(input) % 8 + 1; copies > 0; --copies) {
        text += input;
    }
    static const int file = memfd_create("input", 0);
    demand(ftruncate(file, 0) == 0 && pwrite(file, text.data(), text.size(), 0) >= 0 &&
               lseek(file, 0, SEEK_SET) == 0,
           "the file can be written");
    LineReader reader(file, max_bytes, -1);
    check_lines(reader, text, max_bytes);
    demand(reader.bytes_taken() == text.size(), "all that was there is counted");
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    blocky::fuzz::check(blocky::fuzz::text_of(data, size));
    return 0;
}
