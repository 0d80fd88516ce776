// Line by line. No key begins with #: the first of five characters of Z85 is never its last digit.
#include "consumer/allow_list.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "common/curve_keys.hpp"
#include "common/json_text.hpp"
#include "common/protocol.hpp"

namespace blocky {
namespace {

constexpr std::string_view kBlanks = " \t\r";

// Takes the first word off the line; empty at its end, and where a comment begins.
std::string_view take_word(std::string_view& line) {
    const auto begin = line.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos || line[begin] == '#') {
        line = {};
        return {};
    }
    const auto end = std::min(line.find_first_of(kBlanks, begin), line.size());
    const auto word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    return word;
}

std::string objection_to_name(std::string_view name) {
    if (name.size() > kMaxNameBytes || !is_utf8(name) || has_control_character(name)) {
        return fmt::format("a name has 1 to {} bytes of UTF-8 without control characters",
                           kMaxNameBytes);
    }
    return {};
}

// A key and a name; both empty where there is nothing but a comment.
struct Entry {
    std::string_view key;
    std::string_view name;
};

tl::expected<Entry, std::string> parse_line(std::string_view line) {
    const auto key = take_word(line);
    const auto name = take_word(line);
    if (!key.empty() && !is_curve_key(key)) {
        return tl::make_unexpected(std::string("a key is 40 characters of Z85"));
    }
    if (auto objection = objection_to_name(name); !objection.empty()) {
        return tl::make_unexpected(std::move(objection));
    }
    if (!take_word(line).empty()) {
        return tl::make_unexpected(
            std::string("a line has a key, a name without blanks, and a comment after #"));
    }
    return Entry{key, name};
}

}  // namespace

tl::expected<AllowList, AllowList::Mistake> AllowList::parse(std::string_view text) {
    AllowList list;
    std::unordered_map<std::string_view, std::size_t> lines;  // of keys and of names
    for (std::size_t line = 1; !text.empty(); ++line) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto entry = parse_line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!entry) {
            return tl::make_unexpected(Mistake{line, entry.error()});
        }
        if (entry->key.empty()) {
            continue;
        }
        if (!list.names_by_key_.emplace(entry->key, entry->name).second) {
            return tl::make_unexpected(
                Mistake{line, fmt::format("the key of line {} again", lines[entry->key])});
        }
        if (!entry->name.empty() && !list.names_.emplace(entry->name).second) {
            return tl::make_unexpected(
                Mistake{line, fmt::format("the name of line {} again", lines[entry->name])});
        }
        lines.emplace(entry->key, line);
        lines.emplace(entry->name, line);
    }
    return list;
}

std::optional<std::string_view> AllowList::name_of(std::string_view key) const {
    const auto found = names_by_key_.find(key);
    return found == names_by_key_.end() ? std::nullopt
                                        : std::optional<std::string_view>(found->second);
}

std::size_t AllowList::beyond(const AllowList& other) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        names_by_key_,
        [&other](const auto& entry) { return !other.names_by_key_.contains(entry.first); }));
}

}  // namespace blocky
