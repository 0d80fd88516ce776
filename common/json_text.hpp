// JSON strings as text, for the two places that write JSON without building a document: requests
// and replies, where a value must travel exactly as it was received.
#pragma once

#include <string>
#include <string_view>

namespace blocky {

// Appends `text` as a JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& json, std::string_view text);

// Whether `text` is UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view text);

// Whether `text` is one JSON value (RFC 8259; numbers within a double; no byte-order mark).
bool is_json(std::string_view text);

// Whether a character of U+0000–U+001F or U+007F is in `text`.
bool has_control_character(std::string_view text);

}  // namespace blocky
