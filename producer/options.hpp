// The options of blocky-producer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "producer/json_id.hpp"
#include "producer/progress.hpp"
#include "producer/push.hpp"
#include "producer/reply_log.hpp"

namespace blocky {

struct ProducerOptions {
    std::optional<std::string> generate_key;  // a path: make keys there, and nothing else
    ClientOptions client;
    std::optional<std::string> input;   // a path, or - for stdin; nothing: count
    std::optional<std::string> replay;  // a dead-letter file instead; a path, or - for stdin
    bool raw = false;
    std::optional<JsonPointer> id_field;
    std::optional<std::uint64_t> count;  // stop after so many acknowledged messages
    std::optional<double> rate;          // messages a second at most
    std::size_t in_flight = 1;           // 1: in lock-step
    std::size_t bundle = 1;              // messages in one request at most
    ReplyFormat log = ReplyFormat::kText;
    ProgressMode progress = ProgressMode::kAuto;
};

// Nothing when --help or --version was asked for and has been printed. Throws UsageError.
std::optional<ProducerOptions> parse_producer_options(int argc, const char* const* argv);

}  // namespace blocky
