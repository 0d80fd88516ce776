// The options of blocky-consumer, read from the command line, BLOCKY_… variables and --config.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/curve_keys.hpp"
#include "common/protocol.hpp"
#include "consumer/allow_list.hpp"
#include "consumer/batch_log.hpp"
#include "consumer/batcher.hpp"
#include "consumer/http/http_address.hpp"
#include "consumer/sinks/sink_options.hpp"
#include "consumer/worker.hpp"

namespace blocky {

// What keeps systemd's watchdog quiet (WatchdogSec=).
enum class Watchdog {
    kLoop,  // that the router turns
    kSink   // that, and no call to the sink takes longer than stall_after
};

// Encryption of tcp, and who may connect.
struct CurveOptions {
    std::string secret_key_file;  // empty: none
    std::string allow_file;       // empty: any key may connect
    CurveKeys keys;               // read from the one
    AllowList allow;              // and from the other
};

struct ConsumerOptions {
    std::optional<std::string> generate_key;  // a path: make keys there, and nothing else
    std::vector<std::string> bind;
    bool bind_given = false;  // else it is the default
    bool insecure = false;    // a TCP address that others can reach, without encryption
    CurveOptions curve;
    mode_t ipc_mode = 0600;  // of ipc sockets that are files
    SinkOptions sink;
    BatcherOptions batcher;
    std::uint64_t max_message_bytes = kDefaultMaxMessageBytes;
    RetryPolicy retry;
    std::optional<std::string> dead_letter;  // a path
    LogFormat log = LogFormat::kText;
    std::optional<HttpAddress> http;  // where the dashboard and the metrics are; nothing: nowhere
    std::optional<std::vector<unsigned>> cpus;        // that its threads may run on; nothing: all
    std::optional<std::uint64_t> batches;             // exit after so many
    Duration stall_after = std::chrono::seconds(30);  // then a turn, or a batch, counts as stuck
    Watchdog watchdog = Watchdog::kLoop;
};

// Nothing when --help or --version was asked for and has been printed. Throws UsageError.
std::optional<ConsumerOptions> parse_consumer_options(int argc, const char* const* argv);

// Throws UsageError for an endpoint that others could reach unencrypted, unless that is wanted.
void check_exposure(const ConsumerOptions& options);

}  // namespace blocky
