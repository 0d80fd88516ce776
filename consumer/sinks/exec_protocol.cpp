// Texts are copied from one JSON to the other, never parsed and printed again.
#include "consumer/sinks/exec_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/json_scanner.hpp"
#include "common/json_text.hpp"
#include "common/protocol.hpp"
#include "consumer/sinks/printable.hpp"
#include "consumer/sinks/stored_message.hpp"

namespace blocky {
namespace {

constexpr std::size_t kExcerpt = 100;

template <std::size_t N>
using Members = std::array<std::optional<JsonToken>, N>;

std::string text_of(const JsonToken& string) {
    std::string text;
    append_unescaped(text, string.inside());
    return text;
}

// Finds members of the object `object` by their names. Nothing when one of them is given twice:
// decoders differ in which one counts.
template <std::size_t N>
std::optional<Members<N>> members_of(std::string_view object,
                                     const std::array<std::string_view, N>& names) {
    Members<N> found;
    JsonScanner scanner(object);
    scanner.enter();
    while (scanner.more()) {
        const auto name = text_of(scanner.name());
        const auto value = scanner.value();
        const auto known = std::find(names.begin(), names.end(), name);
        if (known == names.end()) {
            continue;
        }
        auto& place = found.at(static_cast<std::size_t>(known - names.begin()));
        if (place) {
            return std::nullopt;
        }
        place = value;
    }
    return found;
}

bool is(const std::optional<JsonToken>& token, std::string_view text) {
    return token && token->text == text;
}

bool is_boolean(const std::optional<JsonToken>& token) {
    return is(token, "true") || is(token, "false");
}

// However the command writes its numbers: 7.0 is 7.
bool is_number(const JsonToken& token, std::uint64_t number) {
    const auto* const end = token.text.data() + token.text.size();
    double value = 0;
    const auto read = std::from_chars(token.text.data(), end, value);
    return read.ec == std::errc() && read.ptr == end && value == static_cast<double>(number);
}

// A command's own words; what is no string stands for itself.
std::string words_of(const std::optional<JsonToken>& error) {
    auto words = !error               ? std::string()
                 : error->is_string() ? text_of(*error)
                                      : std::string(error->text);
    return words.empty() ? "the command did not say why" : words;
}

// Nothing when it is none.
std::optional<Verdict> verdict_of(const JsonToken& item) {
    if (!item.is_object()) {
        return std::nullopt;
    }
    const auto members = members_of<4>(item.text, {"ok", "result", "error", "duplicate"});
    if (!members) {
        return std::nullopt;
    }
    const auto& [ok, result, error, duplicate] = *members;
    if (!is_boolean(ok) || (duplicate && !is_boolean(duplicate)) ||
        (result && result->depth > kMaxDepth)) {
        return std::nullopt;
    }
    if (is(ok, "false")) {
        return Verdict{Verdict::Kind::kRejected, words_of(error)};
    }
    if (is(duplicate, "true")) {
        return Verdict{Verdict::Kind::kDuplicate, {}};
    }
    return Verdict{Verdict::Kind::kStored, result ? std::string(result->text) : std::string()};
}

tl::expected<BatchResult, std::string> read_results(std::string_view array, std::size_t count) {
    std::vector<Verdict> verdicts;
    verdicts.reserve(count);
    std::size_t results = 0;
    JsonScanner scanner(array);
    scanner.enter();
    for (; scanner.more(); ++results) {
        const auto item = scanner.value();
        auto verdict = verdict_of(item);
        if (!verdict) {
            return tl::make_unexpected(fmt::format(
                R"(has given {} as result {}; accepts {{"ok":true,"result":…}} or {{"ok":false,"error":"…"}})",
                printable(item.text, kExcerpt), results + 1));
        }
        verdicts.push_back(std::move(*verdict));
    }
    if (results != count) {
        return tl::make_unexpected(
            fmt::format("has given {} results for {} messages", results, count));
    }
    return BatchResult(std::move(verdicts));
}

}  // namespace

std::string batch_line(const Batch& batch, const std::string& run) {
    std::string line;
    line.reserve(batch.bytes + batch.messages.size() * 64 + 64);
    line = fmt::format(R"({{"batch":{},"messages":[)", batch.number);
    for (const auto& message : batch.messages) {
        line += "{\"id\":";
        append_json_string(line, stored_id(message, run));
        line += ",\"producer\":";
        if (message.producer.empty()) {
            line += "null";
        } else {
            append_json_string(line, message.producer);
        }
        line += ",\"value\":";
        append_on_one_line(line, message.value);
        line += "},";
    }
    if (!batch.messages.empty()) {
        line.pop_back();
    }
    return line += "]}\n";
}

tl::expected<BatchResult, std::string> read_answer(std::string_view line, const Batch& batch,
                                                   JsonValidator& validator) {
    const auto no_answer = [&](std::string_view why) {
        return tl::make_unexpected(
            fmt::format("has answered {} ({})", printable(line, kExcerpt), why));
    };
    if (const auto problem = validator.problem_with(line)) {
        return no_answer("not JSON: " + printable(*problem, kExcerpt));
    }
    if (!JsonScanner(line).at_object()) {
        return no_answer("no JSON object");
    }
    const auto members = members_of<4>(line, {"results", "error", "retry", "batch"});
    if (!members) {
        return no_answer("a member is given twice");
    }
    const auto& [results, error, retry, number] = *members;
    if (number && !is_number(*number, batch.number)) {
        return tl::make_unexpected(
            fmt::format("has answered batch {} when it was asked batch {}: does it write more than "
                        "one line for a batch?",
                        printable(number->text, kExcerpt), batch.number));
    }
    if (results && !error && results->is_array()) {
        return read_results(results->text, batch.messages.size());
    }
    if (!error || results || (retry && !is_boolean(retry))) {
        return no_answer(R"(accepts {"results":[…]} or {"error":"…","retry":true|false})");
    }
    const auto kind =
        is(retry, "false") ? SinkFailure::Kind::kPermanent : SinkFailure::Kind::kTransient;
    return BatchResult(tl::make_unexpected(SinkFailure{kind, words_of(error)}));
}

}  // namespace blocky
