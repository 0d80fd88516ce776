// From lines back to messages.
#include "producer/replay_source.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <tl/expected.hpp>

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
    : LineByLine(options.descriptor, options.max_line_bytes, options.stop_descriptor,
                 Extent::kWhatIsThere),
      options_(std::move(options)),
      decoder_(kAnySize) {}

Next ReplaySource::message() {
    const auto payload = payload_of(line());
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
    id_ = request.id.empty() ? fmt::format("{}{}", options_.id_prefix, number())
                             : std::string(request.id);
    return Item{request.value, id_, number(), request.producer};
}

}  // namespace blocky
