// Walks over the text rather than a document: 1.0 and 1 are two ids, and an integer beyond 64 bits
// must not lose its digits to a double.
#include "producer/json_id.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "common/json_scanner.hpp"
#include "common/json_text.hpp"
#include "common/protocol.hpp"

namespace blocky {
namespace {

std::string unescape(const JsonToken& string) {
    return nlohmann::json::parse(string.text).get<std::string>();
}

// The names and indices of a pointer, outermost first.
std::vector<std::string> steps_of(JsonPointer pointer) {
    std::vector<std::string> steps;
    for (; !pointer.empty(); pointer.pop_back()) {
        steps.insert(steps.begin(), pointer.back());
    }
    return steps;
}

// Where a name is given twice the last one counts, as in most readers.
std::optional<JsonToken> member_of(std::string_view object, std::string_view name) {
    std::optional<JsonToken> found;
    JsonScanner scanner(object);
    scanner.enter();
    while (scanner.more()) {
        const bool matches = unescape(scanner.name()) == name;
        const auto value = scanner.value();
        found = matches ? value : found;
    }
    return found;
}

std::optional<JsonToken> element_of(std::string_view array, const std::string& index) {
    std::size_t left = 0;
    const auto* const end = index.data() + index.size();
    const auto [stop, error] = std::from_chars(index.data(), end, left);
    const bool leading_zero = index.size() > 1 && index.front() == '0';
    if (error != std::errc{} || stop != end || leading_zero) {
        return std::nullopt;
    }
    JsonScanner scanner(array);
    scanner.enter();
    while (scanner.more()) {
        const auto value = scanner.value();
        if (left-- == 0) {
            return value;
        }
    }
    return std::nullopt;
}

std::optional<JsonToken> value_at(const JsonPointer& pointer, std::string_view json) {
    std::optional<JsonToken> value = JsonScanner(json).value();
    for (const auto& step : steps_of(pointer)) {
        if (!value || (!value->is_object() && !value->is_array())) {
            return std::nullopt;
        }
        value = value->is_object() ? member_of(value->text, step) : element_of(value->text, step);
    }
    return value;
}

}  // namespace

tl::expected<std::string, std::string> id_at(const JsonPointer& pointer, std::string_view json) {
    if (!is_json(json)) {
        return tl::make_unexpected("it is not JSON");
    }
    const auto member = value_at(pointer, json);
    if (!member) {
        return tl::make_unexpected(fmt::format("it has no {}", pointer.to_string()));
    }
    if (!member->is_string() && !member->is_number()) {
        return tl::make_unexpected(
            fmt::format("{} is neither a string nor a number", pointer.to_string()));
    }
    auto id = member->is_string() ? unescape(*member) : std::string(member->text);
    if (id.empty() || id.size() > kMaxNameBytes || has_control_character(id)) {
        return tl::make_unexpected(
            fmt::format("{} is no id: it must have 1 to {} bytes and no control characters",
                        pointer.to_string(), kMaxNameBytes));
    }
    return id;
}

}  // namespace blocky
