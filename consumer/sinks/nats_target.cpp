// Split at # and commas; each part is looked at no further than a typing mistake would need.
#include "consumer/sinks/nats_target.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include "common/units.hpp"

namespace blocky {
namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::uint64_t kLastPort = 65535;

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == kNone) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

bool is_printable(std::string_view text) {
    return std::ranges::none_of(
        text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
}

// HOST or HOST:PORT; an IPv6 address stands in brackets.
bool is_address(std::string_view address) {
    const auto bracket = address.rfind(']');
    const auto colon = address.rfind(':');
    const bool has_port = colon != kNone && (bracket == kNone || colon > bracket);
    const auto host = address.substr(0, has_port ? colon : kNone);
    if (host.empty() || host.find_first_of("/?") != kNone) {
        return false;
    }
    const auto port = has_port ? parse_count(address.substr(colon + 1), 1) : 1;
    return port && *port <= kLastPort;
}

bool is_server_url(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme != kNone) {
        if (url.substr(0, scheme) != "nats" && url.substr(0, scheme) != "tls") {
            return false;
        }
        url.remove_prefix(scheme + 3);
    }
    const auto at = url.rfind('@');
    return is_printable(url) && is_address(at == kNone ? url : url.substr(at + 1));
}

// Tokens between dots, none of them empty or a wildcard. What begins with $ is the server's own.
bool is_subject(std::string_view subject) {
    const auto tokens = split(subject, '.');
    return is_printable(subject) && !subject.starts_with('$') &&
           std::ranges::none_of(tokens, [](std::string_view token) {
               return token.empty() || token == "*" || token == ">";
           });
}

}  // namespace

std::optional<NatsTarget> parse_nats_target(std::string_view text) {
    const auto hash = text.find('#');
    if (hash == kNone || !is_subject(text.substr(hash + 1))) {
        return std::nullopt;
    }
    NatsTarget target{{}, std::string(text.substr(hash + 1))};
    for (const auto url : split(text.substr(0, hash), ',')) {
        if (!is_server_url(url)) {
            return std::nullopt;
        }
        target.urls.emplace_back(url);
    }
    return target;
}

std::string without_credentials(std::string_view text) {
    std::string shown;
    while (true) {
        const auto end = text.find(',');
        const auto part = text.substr(0, end);
        const auto scheme = part.find("://");
        const auto begin = scheme == kNone ? 0 : scheme + 3;
        const auto at = part.rfind('@', part.find('#'));
        shown += part.substr(0, begin);
        shown += part.substr(at == kNone || at < begin ? begin : at + 1);
        if (end == kNone) {
            return shown;
        }
        shown += ',';
        text.remove_prefix(end + 1);
    }
}

}  // namespace blocky
