// Lines, one after the other.
#include "consumer/http/request_head.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace blocky {
namespace {

constexpr std::array<std::string_view, 3> kRelevant{"host", "last-event-id", "if-none-match"};

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool same_word(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_relevant(std::string_view line) {
    const auto name = line.substr(0, line.find(':'));
    return name.size() < line.size() &&
           std::ranges::any_of(kRelevant, [name](auto word) { return same_word(name, word); });
}

// The first line of `text`, without its end; takes it off.
std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    return inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

// Without the port, and without the brackets of an IPv6 address.
std::string_view host_name(std::string_view host) {
    if (host.starts_with('[')) {
        return host.substr(1, host.find(']') - 1);
    }
    return host.substr(0, host.find(':'));
}

}  // namespace

std::optional<std::size_t> head_size(std::string_view text) {
    for (auto end = text.find('\n'); end != std::string_view::npos;
         end = text.find('\n', end + 1)) {
        const auto rest = text.substr(end + 1);
        if (rest.starts_with('\n')) {
            return end + 2;
        }
        if (rest.starts_with("\r\n")) {
            return end + 3;
        }
    }
    return std::nullopt;
}

std::string relevant_head(std::string_view head) {
    std::string relevant(take_line(head));
    relevant += "\r\n";
    while (!head.empty()) {
        const auto line = take_line(head);
        if (is_relevant(line)) {
            relevant += line;
            relevant += "\r\n";
        }
    }
    return relevant += "\r\n";
}

bool is_local_host_header(std::string_view host) {
    const auto name = host_name(host);
    // HTTP/1.0 has no such header; a browser, which this is about, always sends one.
    return host.empty() || same_word(name, "localhost") || is_address(std::string(name));
}

}  // namespace blocky
