// What the NATS library (libnats) says of an error, for people.
#pragma once

#include <string_view>

namespace blocky {

// Without the place in the library's source that its texts begin with, "(conn.c:2088): ".
std::string_view without_source_position(std::string_view text);

}  // namespace blocky
