// Thin wrappers over nlohmann_json, and a short way for the usual string that needs no escape.
#include "common/json_text.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace blocky {
namespace {

bool is_plain(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte >= 0x20 && byte < 0x7F && character != '"' && character != '\\';
}

}  // namespace

void append_json_string(std::string& json, std::string_view text) {
    if (std::ranges::all_of(text, is_plain)) {
        json.append(1, '"').append(text).append(1, '"');
        return;
    }
    json += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_utf8(std::string_view text) {
    if (std::ranges::all_of(text, is_plain)) {
        return true;
    }
    try {
        // Only dump() validates: the parser is not reached by text that was never JSON.
        return !nlohmann::json(text).dump().empty();
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

bool is_json(std::string_view text) {
    // nlohmann_json skips a byte-order mark and takes a NUL for the end; RFC 8259 has neither.
    return !text.starts_with("\xEF\xBB\xBF") && text.find('\0') == std::string_view::npos &&
           nlohmann::json::accept(text);
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte < 0x20 || byte == 0x7F;
    });
}

}  // namespace blocky
