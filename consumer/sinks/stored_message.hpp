// What all sinks that store messages write of one, beside its value.
#pragma once

#include <string>

#include <fmt/format.h>

#include "consumer/batch.hpp"

namespace blocky {

// The id that a message is stored by: its own, or for one that has none RUN:N, which stays the
// same when a failed batch is tried again.
inline std::string stored_id(const Message& message, const std::string& run) {
    return message.id.empty() ? fmt::format("{}:{}", run, message.number) : std::string(message.id);
}

}  // namespace blocky
