// Walks over text that is known to be JSON and hands out the text of its parts: a value must reach
// the sinks as it was received, which no document in memory remembers. It is also what a decoded
// message costs most, hence the short ways kept inline here.
#pragma once

#include <cstddef>
#include <string_view>

namespace blocky {

// The text of one value, as a view.
struct JsonToken {
    std::string_view text;  // without white space around it
    std::size_t depth = 0;  // how deep it nests: a scalar 0, [] 1
    bool escaped = false;   // it is a string with a backslash in it

    bool is_string() const { return text.front() == '"'; }
    bool is_object() const { return text.front() == '{'; }
    bool is_array() const { return text.front() == '['; }
    bool is_number() const {
        return text.front() == '-' || (text.front() >= '0' && text.front() <= '9');
    }
    // Digits with an optional minus, no point and no exponent.
    bool is_integer() const;
    // What stands between the quotes of a string, escapes as they are.
    std::string_view inside() const { return text.substr(1, text.size() - 2); }
};

// One pass over a JSON text, from value to value. The text must be valid JSON and outlive the
// tokens: nothing is checked here. A copy goes on from where the original stands.
class JsonScanner {
public:
    explicit JsonScanner(std::string_view json) : at_(json.data()), end_(at_ + json.size()) {}

    // The value that starts here, whole.
    JsonToken value();

    // Whether the value that starts here is of that type.
    bool at_object() { return next() == '{'; }
    bool at_array() { return next() == '['; }

    // Steps into the object or array that starts here.
    void enter() {
        skip_space();
        ++at_;
    }
    // Inside an object or array: whether a member or element follows, at which it then stands.
    bool more() {
        if (next() == ',') {
            ++at_;
            skip_space();
        }
        return *at_ != '}' && *at_ != ']';
    }
    // Inside an object, at a member: its name as a token; then it stands at the value.
    JsonToken name() {
        const auto name = string();
        skip_space();
        ++at_;  // the colon
        return name;
    }
    // Out of an object or array in which no more follows.
    void leave() { ++at_; }

    // The first byte that has not been read.
    const char* position() const { return at_; }

private:
    char next() {
        skip_space();
        return *at_;
    }
    void skip_space() {
        while (at_ != end_ && static_cast<unsigned char>(*at_) <= ' ') {
            ++at_;  // valid JSON has no other control characters between its tokens
        }
    }
    JsonToken string();
    bool skip_string();
    std::size_t skip_nested();

    const char* at_;
    const char* end_;
};

}  // namespace blocky
