// Relies on the JSON being valid: that is what keeps it short.
#include "common/json_scanner.hpp"

#include <algorithm>
#include <cstring>

namespace blocky {
namespace {

bool is_space(char character) {
    return character == ' ' || character == '\n' || character == '\r' || character == '\t';
}

bool ends_scalar(char character) {
    return character == ',' || character == '}' || character == ']' || is_space(character);
}

}  // namespace

bool JsonToken::is_integer() const {
    return is_number() && text.find_first_of(".eE") == std::string_view::npos;
}

JsonToken JsonScanner::value() {
    skip_space();
    const char* const begin = at_;
    std::size_t depth = 0;
    if (*at_ == '"') {
        skip_string();
    } else if (*at_ == '{' || *at_ == '[') {
        depth = skip_nested();
    } else {
        at_ = std::find_if(at_, end_, ends_scalar);
    }
    return {{begin, static_cast<std::size_t>(at_ - begin)}, depth};
}

bool JsonScanner::more() {
    skip_space();
    if (*at_ == ',') {
        ++at_;
        skip_space();
    }
    return *at_ != '}' && *at_ != ']';
}

JsonToken JsonScanner::name() {
    const auto name = value();
    skip_space();
    ++at_;  // the colon
    return name;
}

void JsonScanner::skip_space() {
    at_ = std::find_if_not(at_, end_, is_space);
}

// Past the quote that ends the string: one with an even number of backslashes before it.
void JsonScanner::skip_string() {
    while (true) {
        ++at_;
        at_ = static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
        const char* before = at_;
        while (before[-1] == '\\') {
            --before;
        }
        if ((at_ - before) % 2 == 0) {
            ++at_;
            return;
        }
    }
}

// Past the bracket that closes the one here; returns how deep it nests.
std::size_t JsonScanner::skip_nested() {
    std::size_t depth = 0;
    std::size_t deepest = 0;
    do {
        const char character = *at_;
        if (character == '"') {
            skip_string();
            continue;
        }
        if (character == '{' || character == '[') {
            deepest = std::max(deepest, ++depth);
        } else if (character == '}' || character == ']') {
            --depth;
        }
        ++at_;
    } while (depth > 0);
    return deepest;
}

}  // namespace blocky
