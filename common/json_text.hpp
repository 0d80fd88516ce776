// JSON as text, for those who write and read it without building a document: requests, replies and
// what sinks keep, where a value must travel exactly as it was received.
#pragma once

#include <string>
#include <string_view>

namespace blocky {

// Appends `text` as a JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& json, std::string_view text);

// Appends JSON, with a space for each of the line breaks that may stand between two tokens: within
// a string JSON has none. For files and pipes in which a line is a message.
void append_on_one_line(std::string& line, std::string_view json);

// Appends what a JSON string says. `inside` is what stands between its quotes, known to be valid;
// the result is never longer.
void append_unescaped(std::string& text, std::string_view inside);

// Whether `text` is UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view text);

// Whether `text` is one JSON value (RFC 8259; numbers within a double; no byte-order mark).
bool is_json(std::string_view text);

// Whether a character of U+0000–U+001F or U+007F is in `text`.
bool has_control_character(std::string_view text);

}  // namespace blocky
