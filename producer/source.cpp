// Turns numbers and lines into messages.
#include "producer/source.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "common/json_text.hpp"

namespace blocky {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

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

LineSource::LineSource(LineSourceOptions options)
    : options_(std::move(options)),
      reader_(options_.descriptor, options_.max_line_bytes, options_.stop_descriptor),
      size_(file_size(options_.descriptor)) {}

Next LineSource::next() {
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
            return skip(
                fmt::format("too_large: it has more than {} bytes", options_.max_line_bytes));
        }
        if (number_ == 1 && line_.starts_with(kByteOrderMark)) {
            line_.erase(0, kByteOrderMark.size());  // of the file, not of its first message
        }
        if (!line_.empty()) {
            return message();
        }
    }
}

Next LineSource::message() {
    if (!is_utf8(line_)) {
        return skip("it is not valid UTF-8");
    }
    if (options_.id_field) {
        auto id = id_at(*options_.id_field, line_);
        if (!id) {
            return skip(id.error());
        }
        id_ = std::move(*id);
    } else {
        id_ = options_.id_prefix;
        fmt::format_to(std::back_inserter(id_), "{}", number_);
    }
    if (!options_.raw && is_json(line_)) {
        return Item{line_, id_, number_, {}};
    }
    value_.clear();
    append_json_string(value_, line_);
    return Item{value_, id_, number_, {}};
}

std::string LineSource::name(std::uint64_t number) const {
    return fmt::format("line {}", number);
}

std::optional<double> LineSource::share_done() const {
    if (!size_) {
        return std::nullopt;
    }
    return std::min(1.0, static_cast<double>(reader_.bytes_read()) / static_cast<double>(*size_));
}

}  // namespace blocky
