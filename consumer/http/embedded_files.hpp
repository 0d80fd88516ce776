// The files of the dashboard, which cmake/Embed.cmake puts into the program: what is in
// consumer/http/dashboard/, and chart.js.
#pragma once

#include <span>
#include <string_view>

namespace blocky {

struct EmbeddedFile {
    std::string_view name;  // "index.html"
    std::string_view content;
    std::string_view hash;  // of the content, in hex
};

std::span<const EmbeddedFile> embedded_files();

}  // namespace blocky
