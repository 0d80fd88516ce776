// Turns numbers and lines into messages.
#include "producer/source.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/json_text.hpp"

namespace blocky {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::optional<std::uint64_t> file_size(int descriptor) {
    struct stat status {};
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

Next CounterSource::next() {
    const auto number = std::to_string(++count_);
    return Item{number, id_prefix_ + number, "message " + number};
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
        const auto name = fmt::format("line {}", ++number_);
        if (status == LineReader::Status::kTooLong) {
            return Skipped{
                name, fmt::format("too_large: it has more than {} bytes", options_.max_line_bytes)};
        }
        if (number_ == 1 && line_.starts_with(kByteOrderMark)) {
            line_.erase(0, kByteOrderMark.size());  // of the file, not of its first message
        }
        if (!line_.empty()) {
            return message(name);
        }
    }
}

Next LineSource::message(const std::string& name) {
    if (!is_utf8(line_)) {
        return Skipped{name, "it is not valid UTF-8"};
    }
    Item item{{}, options_.id_prefix + std::to_string(number_), name};
    if (options_.id_field) {
        auto id = id_at(*options_.id_field, line_);
        if (!id) {
            return Skipped{name, id.error()};
        }
        item.id = std::move(*id);
    }
    if (options_.raw || !is_json(line_)) {
        append_json_string(item.value, line_);
    } else {
        item.value = line_;
    }
    return item;
}

std::optional<double> LineSource::share_done() const {
    if (!size_) {
        return std::nullopt;
    }
    return std::min(1.0, static_cast<double>(reader_.bytes_read()) / static_cast<double>(*size_));
}

}  // namespace blocky
