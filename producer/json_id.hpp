// Finds the member of a JSON line that makes its id (--id-field).
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace blocky {

using JsonPointer = nlohmann::json::json_pointer;

// The string at `pointer` (RFC 6901), or the text of the number there exactly as it is written. The
// error says in a few words why there is none that can be an id.
tl::expected<std::string, std::string> id_at(const JsonPointer& pointer, std::string_view json);

}  // namespace blocky
