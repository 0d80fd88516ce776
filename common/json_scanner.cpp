// Relies on the JSON being valid: that is what keeps it short.
#include "common/json_scanner.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace blocky {
namespace {

using ByteSet = std::array<bool, 256>;

constexpr ByteSet set_of(std::string_view characters) {
    ByteSet set{};
    for (const char character : characters) {
        set.at(static_cast<unsigned char>(character)) = true;
    }
    return set;
}

constexpr ByteSet kEndsScalar = set_of(",}] \n\r\t");
constexpr ByteSet kEndsFlat = set_of("\"{}[]");  // what nests, and what may hide brackets

bool contains(const ByteSet& set, char character) {
    return set[static_cast<unsigned char>(character)];  // NOLINT: a byte is always within 256
}

const char* find(const char* at, const char* end, const ByteSet& set) {
    return std::find_if(at, end, [&](char character) { return contains(set, character); });
}

// Has its top bit set in the byte that is `character`; higher bytes may have it set, too.
std::uint64_t marks_of(std::uint64_t word, char character) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    const std::uint64_t zero_where_equal = word ^ (kOnes * static_cast<unsigned char>(character));
    return (zero_where_equal - kOnes) & ~zero_where_equal & (kOnes << 7U);
}

// The first quote or backslash. Eight bytes at once: names and ids mostly take one or two steps.
const char* find_quote_or_backslash(const char* at, const char* end) {
    if constexpr (std::endian::native == std::endian::little) {
        for (; end - at >= 8; at += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, at, sizeof word);
            const auto marks = marks_of(word, '"') | marks_of(word, '\\');
            if (marks != 0) {
                return at + std::countr_zero(marks) / 8;
            }
        }
    }
    return std::find_if(at, end,
                        [](char character) { return character == '"' || character == '\\'; });
}

}  // namespace

bool JsonToken::is_integer() const {
    return is_number() && text.find_first_of(".eE") == std::string_view::npos;
}

JsonToken JsonScanner::value() {
    const char first = next();
    if (first == '"') {
        return string();
    }
    const char* const begin = at_;
    std::size_t depth = 0;
    if (first == '{' || first == '[') {
        depth = skip_nested();
    } else {
        at_ = find(at_, end_, kEndsScalar);
    }
    return {{begin, static_cast<std::size_t>(at_ - begin)}, depth, false};
}

// The string whose opening quote is here.
JsonToken JsonScanner::string() {
    skip_space();
    const char* const begin = at_;
    const bool escaped = skip_string();
    return {{begin, static_cast<std::size_t>(at_ - begin)}, 0, escaped};
}

// Past the quote that ends the string here; returns whether there is a backslash before it.
bool JsonScanner::skip_string() {
    bool escaped = false;
    ++at_;
    while (true) {
        at_ = find_quote_or_backslash(at_, end_);
        if (*at_ == '"') {
            ++at_;
            return escaped;
        }
        escaped = true;
        at_ += 2;
    }
}

// Past the bracket that closes the one here; returns how deep it nests.
std::size_t JsonScanner::skip_nested() {
    std::size_t depth = 0;
    std::size_t deepest = 0;
    do {
        at_ = find(at_, end_, kEndsFlat);
        if (*at_ == '"') {
            skip_string();
            continue;
        }
        if (*at_ == '{' || *at_ == '[') {
            deepest = std::max(deepest, ++depth);
        } else {
            --depth;
        }
        ++at_;
    } while (depth > 0);
    return deepest;
}

}  // namespace blocky
