// Writes with append_json_string; reads by walking from member to member.
#include "consumer/sinks/jsonl_line.hpp"

#include <chrono>

#include <fmt/format.h>

#include "common/json_text.hpp"

namespace blocky {
namespace {

constexpr std::string_view kProducer = R"(,"producer":)";
constexpr std::string_view kId = R"(,"id":)";

bool take(std::string_view& text, std::string_view what) {
    const bool there = text.starts_with(what);
    text.remove_prefix(there ? what.size() : 0);
    return there;
}

// Takes a JSON string; what is between its quotes, or nothing when it does not end.
std::optional<std::string_view> take_string(std::string_view& text) {
    if (!text.starts_with('"')) {
        return std::nullopt;
    }
    auto end = text.find_first_of("\"\\", 1);
    while (end != std::string_view::npos && text[end] == '\\') {
        end = text.find_first_of("\"\\", end + 2);
    }
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const auto inside = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    return inside;
}

// Whether each escape in there is one. A file may hold lines that nobody of ours wrote.
bool is_whole(std::string_view inside) {
    return inside.find('\\') == std::string_view::npos || is_json(fmt::format("\"{}\"", inside));
}

}  // namespace

JsonlWriter::JsonlWriter(std::string_view run, std::uint64_t batch) : members_(R"(","run":)") {
    append_json_string(members_, run);
    members_ += fmt::format(R"(,"batch":{})", batch);
    members_ += kProducer;
}

void JsonlWriter::append(std::string& text, const Message& message, std::string_view id) {
    text.append(kJsonlBeginning).append(times_.text(message.received_at)).append(members_);
    if (message.producer.empty()) {
        text += "null";
    } else {
        append_json_string(text, message.producer);
    }
    text += kId;
    append_json_string(text, id);
    text += R"(,"value":)";
    append_on_one_line(text, message.value);
    text += "}\n";
}

std::optional<std::string> jsonl_id(std::string_view head) {
    auto rest = head.substr(0, head.find('\n'));
    const auto producer = rest.find(kProducer);
    if (!rest.starts_with(kJsonlBeginning) || producer == std::string_view::npos) {
        return std::nullopt;
    }
    rest.remove_prefix(producer + kProducer.size());
    if (!take(rest, "null") && !take_string(rest)) {
        return std::nullopt;
    }
    const auto id = take(rest, kId) ? take_string(rest) : std::nullopt;
    if (!id || !is_whole(*id)) {
        return std::nullopt;
    }
    std::string text;
    append_unescaped(text, *id);
    return text;
}

}  // namespace blocky
