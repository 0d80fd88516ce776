// A parenthesis that ends in a number after a colon, and another colon behind it.
#include "consumer/sinks/nats_text.hpp"

namespace blocky {

std::string_view without_source_position(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789";
    const auto end = text.find("): ");
    if (!text.starts_with('(') || end == std::string_view::npos) {
        return text;
    }
    const auto place = text.substr(1, end - 1);
    const auto file_end = place.find_last_not_of(kDigits);
    const bool is_position = place.find(' ') == std::string_view::npos &&
                             file_end != std::string_view::npos && file_end + 1 < place.size() &&
                             place.substr(0, file_end + 1).ends_with(".c:");
    return is_position ? text.substr(end + 3) : text;
}

}  // namespace blocky
