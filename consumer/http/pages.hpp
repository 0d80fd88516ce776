// The dashboard's files by the path they are asked for.
#pragma once

#include <string>
#include <string_view>

#include "consumer/http/embedded_files.hpp"

namespace blocky {

// nullptr: there is none. "/" is index.html.
const EmbeddedFile* page_at(std::string_view path);

// By the ending of its name.
std::string media_type(std::string_view name);

}  // namespace blocky
