// From lines back to messages.
#include "producer/replay_source.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/json_scanner.hpp"
#include "common/json_text.hpp"

namespace blocky {
namespace {

constexpr auto kAnySize = std::numeric_limits<std::uint64_t>::max();

// The text of the member `payload`, which must be there once.
tl::expected<std::string_view, std::string> payload_of(std::string_view line) {
    if (!is_json(line)) {
        return tl::make_unexpected("it is not JSON: no line that a consumer has written, or cut");
    }
    JsonScanner scanner(line);
    std::optional<std::string_view> payload;
    if (scanner.at_object()) {
        scanner.enter();
        while (scanner.more()) {
            const bool found = scanner.name().inside() == "payload";
            const auto value = scanner.value();
            if (found && payload) {
                return tl::make_unexpected("it has the member \"payload\" twice");
            }
            payload = found ? std::optional(value.text) : payload;
        }
    }
    if (!payload) {
        return tl::make_unexpected("it has no member \"payload\", so it is no dead letter");
    }
    return *payload;
}

}  // namespace

ReplaySource::ReplaySource(ReplaySourceOptions options)
    : options_(std::move(options)),
      size_(file_size(options_.descriptor)),
      reader_(options_.descriptor, options_.max_line_bytes, options_.stop_descriptor,
              size_.value_or(kAnySize)),
      decoder_(kAnySize) {}

Next ReplaySource::next() {
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
            return Skipped{name(number_), fmt::format("too_large: it has more than {} bytes",
                                                      options_.max_line_bytes)};
        }
        if (!line_.empty()) {
            return message();
        }
    }
}

Next ReplaySource::message() {
    const auto skip = [this](std::string reason) {
        return Skipped{name(number_), std::move(reason)};
    };
    const auto payload = payload_of(line_);
    if (!payload) {
        return skip(payload.error());
    }
    if (const auto refusal = decoder_.decode(*payload, decoded_)) {
        return skip("its payload is no message: " + refusal->message);
    }
    if (decoded_.bundle) {
        return skip("its payload is no message: it has several in it");
    }
    const auto& request = decoded_.messages.front().request;
    id_ = request.id.empty() ? fmt::format("{}{}", options_.id_prefix, number_)
                             : std::string(request.id);
    return Item{request.value, id_, number_, request.producer};
}

std::string ReplaySource::name(std::uint64_t number) const {
    return fmt::format("line {}", number);
}

std::optional<double> ReplaySource::share_done() const {
    if (!size_) {
        return std::nullopt;
    }
    return std::min(1.0, static_cast<double>(reader_.bytes_read()) / static_cast<double>(*size_));
}

}  // namespace blocky
