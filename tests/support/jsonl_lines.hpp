// What is in the text of a JSON Lines file; each line must be JSON.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace blocky::test {

inline std::vector<std::string> lines_in(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    CHECK((text.empty() || text.ends_with('\n')));
    return lines;
}

// The ids, in order.
inline std::vector<std::string> ids_in(const std::string& text) {
    std::vector<std::string> ids;
    for (const auto& line : lines_in(text)) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        CHECK_MESSAGE(json.is_object(), line);
        ids.push_back(json.is_object() ? json.value("id", "") : "not JSON");
    }
    return ids;
}

}  // namespace blocky::test
