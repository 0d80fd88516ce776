// A handful of files: looked through one by one.
#include "consumer/http/pages.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace blocky {

const EmbeddedFile* page_at(std::string_view path) {
    if (!path.starts_with('/')) {
        return nullptr;
    }
    const auto name = path == "/" ? std::string_view("index.html") : path.substr(1);
    const auto files = embedded_files();
    const auto found = std::ranges::find(files, name, &EmbeddedFile::name);
    return found == files.end() ? nullptr : &*found;
}

std::string media_type(std::string_view name) {
    using Type = std::pair<std::string_view, std::string_view>;
    constexpr std::array<Type, 4> kTypes{{{".html", "text/html; charset=utf-8"},
                                          {".css", "text/css; charset=utf-8"},
                                          {".js", "text/javascript; charset=utf-8"},
                                          {".svg", "image/svg+xml"}}};
    const auto* const found = std::ranges::find_if(
        kTypes, [name](const Type& type) { return name.ends_with(type.first); });
    return std::string(found == kTypes.end() ? "application/octet-stream" : found->second);
}

}  // namespace blocky
