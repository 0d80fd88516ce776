// What stands behind `nats:` in --sink: the servers of a NATS cluster, and the subject that
// messages are published on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blocky {

inline constexpr std::string_view kNatsTargetForm = "URL[,URL…]#SUBJECT";

struct NatsTarget {
    std::vector<std::string> urls;  // nats:// or tls://, or without either; at least one
    std::string subject;            // without wildcards
};

// Nothing when it is no such target. Between the first # and the end is the subject.
std::optional<NatsTarget> parse_nats_target(std::string_view text);

// The same text without names and passwords: all that stands between :// (or the beginning, or a
// comma) and an @ is left out. For messages, whether or not it can be parsed.
std::string without_credentials(std::string_view text);

}  // namespace blocky
