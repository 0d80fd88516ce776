// Text of others on one line of ours: no control characters, and no longer than it may be.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace blocky {

// At most `most` bytes of `text`, never half a character of UTF-8, with "…" for what was cut off.
// Control characters, those of U+0080–U+009F too, become '?', for an escape sequence would reach
// the terminal, and white space becomes a space.
inline std::string printable(std::string_view text, std::size_t most) {
    auto length = std::min(text.size(), most);
    while (length > 0 && length < text.size() &&
           (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
        --length;
    }
    std::string line(text.substr(0, length));
    std::ranges::replace_if(
        line, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    std::ranges::replace_if(
        line, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
    for (auto at = line.find('\xC2'); at != std::string::npos; at = line.find('\xC2', at + 1)) {
        if (at + 1 < line.size() && (static_cast<unsigned char>(line[at + 1]) & 0xE0U) == 0x80U) {
            line.replace(at, 2, 1, '?');
        }
    }
    return length < text.size() ? line + "…" : line;
}

}  // namespace blocky
