// Writes with nlohmann_json, with a short way for the usual string that needs no escape; reads
// escapes by itself, since the decoder does so for every id that has one.
#include "common/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include <nlohmann/json.hpp>

#include "common/json_validator.hpp"

namespace blocky {
namespace {

bool is_plain(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte >= 0x20 && byte < 0x7F && character != '"' && character != '\\';
}

char32_t code_unit(std::string_view digits) {
    unsigned unit = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
    return unit;
}

void append_utf8(std::string& text, char32_t point) {
    const auto append = [&](char32_t lead, unsigned shift) {
        text += static_cast<char>(lead | (point >> shift));
        while (shift > 0) {
            shift -= 6;
            text += static_cast<char>(0x80U | ((point >> shift) & 0x3FU));
        }
    };
    if (point < 0x80) {
        append(0, 0);
    } else if (point < 0x800) {
        append(0xC0, 6);
    } else if (point < 0x10000) {
        append(0xE0, 12);
    } else {
        append(0xF0, 18);
    }
}

// Appends the character whose \uXXXX `rest` starts with; returns how many bytes that took.
std::size_t append_code_point(std::string& text, std::string_view rest) {
    constexpr std::size_t kEscape = 6;
    auto point = code_unit(rest.substr(2, 4));
    if (point < 0xD800 || point > 0xDFFF) {
        append_utf8(text, point);
        return kEscape;
    }
    // The upper half of a pair; valid JSON has the lower half next to it.
    const auto low = code_unit(rest.substr(kEscape + 2, 4));
    append_utf8(text, 0x10000 + ((point - 0xD800) << 10U) + (low - 0xDC00));
    return 2 * kEscape;
}

char escaped_by(char letter) {
    constexpr std::string_view kLetters = "bfnrt";
    constexpr std::string_view kMeanings = "\b\f\n\r\t";
    const auto place = kLetters.find(letter);
    return place == std::string_view::npos ? letter : kMeanings[place];
}

}  // namespace

void append_json_string(std::string& json, std::string_view text) {
    if (std::ranges::all_of(text, is_plain)) {
        json.append(1, '"').append(text).append(1, '"');
        return;
    }
    json += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_on_one_line(std::string& line, std::string_view json) {
    const auto begin = static_cast<std::ptrdiff_t>(line.size());
    line += json;
    std::replace_if(
        line.begin() + begin, line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

void append_unescaped(std::string& text, std::string_view inside) {
    while (!inside.empty()) {
        const auto plain = std::min(inside.find('\\'), inside.size());
        text.append(inside.substr(0, plain));
        inside.remove_prefix(plain);
        if (inside.starts_with("\\u")) {
            inside.remove_prefix(append_code_point(text, inside));
        } else if (!inside.empty()) {
            text += escaped_by(inside[1]);
            inside.remove_prefix(2);
        }
    }
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
    thread_local JsonValidator validator;
    return !validator.problem_with(text);
}

// Names and ids are short, and nearly all are good: looking at every byte is quicker than asking
// after each whether to go on.
bool has_control_character(std::string_view text) {
    unsigned found = 0;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        found |= static_cast<unsigned>(byte < 0x20) | static_cast<unsigned>(byte == 0x7F);
    }
    return found != 0;
}

}  // namespace blocky
