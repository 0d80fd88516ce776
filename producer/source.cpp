// Turns numbers and lines into messages.
#include "producer/source.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "common/json_text.hpp"

namespace blocky {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr auto kAnySize = std::numeric_limits<std::uint64_t>::max();

}  // namespace

std::optional<std::uint64_t> file_size(int descriptor) {
    struct stat status {};
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(status.st_size);
}

Next CounterSource::next() {
    id_.resize(prefix_bytes_);
    fmt::format_to(std::back_inserter(id_), "{}", ++count_);
    return Item{std::string_view(id_).substr(prefix_bytes_), id_, count_, {}};
}

std::string CounterSource::name(std::uint64_t number) const {
    return fmt::format("message {}", number);
}

LineByLine::LineByLine(int descriptor, std::size_t max_line_bytes, int stop_descriptor,
                       Extent extent)
    : max_line_bytes_(max_line_bytes),
      size_(file_size(descriptor)),
      reader_(descriptor, max_line_bytes, stop_descriptor,
              extent == Extent::kWhatIsThere ? size_.value_or(kAnySize) : kAnySize) {}

Next LineByLine::next() {
    while (true) {
        const auto status = reader_.next(line_);
        if (status == LineReader::Status::kEnd) {
            return EndOfInput{};
        }
        if (status == LineReader::Status::kStopped) {
            return StopRequested{};
        }
        ++number_;
        if (status == LineReader::Status::kTooLong) {
            return skip(fmt::format("too_large: it has more than {} bytes", max_line_bytes_));
        }
        if (number_ == 1 && line_.starts_with(kByteOrderMark)) {
            line_.erase(0, kByteOrderMark.size());  // of the file, not of its first message
        }
        if (!line_.empty()) {
            return message();
        }
    }
}

std::string LineByLine::name(std::uint64_t number) const {
    return fmt::format("line {}", number);
}

std::optional<double> LineByLine::share_done() const {
    if (!size_) {
        return std::nullopt;
    }
    return std::min(1.0, static_cast<double>(reader_.bytes_taken()) / static_cast<double>(*size_));
}

LineSource::LineSource(LineSourceOptions options)
    : LineByLine(options.descriptor, options.max_line_bytes, options.stop_descriptor),
      options_(std::move(options)) {}

Next LineSource::message() {
    if (!is_utf8(line())) {
        return skip("it is not valid UTF-8");
    }
    if (options_.id_field) {
        auto id = id_at(*options_.id_field, line());
        if (!id) {
            return skip(id.error());
        }
        id_ = std::move(*id);
    } else {
        id_ = options_.id_prefix;
        fmt::format_to(std::back_inserter(id_), "{}", number());
    }
    if (!options_.raw && is_json(line())) {
        return Item{line(), id_, number(), {}};
    }
    value_.clear();
    append_json_string(value_, line());
    return Item{value_, id_, number(), {}};
}

}  // namespace blocky
