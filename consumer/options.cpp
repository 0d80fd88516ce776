// One entry per option.
#include "consumer/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include "common/command_line.hpp"
#include "common/curve_options.hpp"
#include "common/endpoint.hpp"
#include "common/units.hpp"
#include "consumer/authenticator.hpp"
#include "consumer/cpu_list.hpp"
#include "consumer/sinks/make_sink.hpp"

namespace blocky {
namespace {

constexpr const char* kDefaultBind = "tcp://127.0.0.1:5555";
constexpr std::uint64_t kMostHeld = 1ULL << 31U;
constexpr std::string_view kAllowFileForm =
    "the path of a readable file with a public key and perhaps a name on each line";

// A setter for what `parse` makes of the text; what it cannot parse is not accepted.
template <typename Target, typename Parse>
CommandLine::Setter into(Target& target, Parse parse) {
    return [&target, parse](const std::string& text) {
        const auto parsed = parse(text);
        if (parsed) {
            target = static_cast<Target>(*parsed);
        }
        return parsed.has_value();
    };
}

auto count_from(std::uint64_t least, std::uint64_t most = 1ULL << 53U) {
    return [least, most](const std::string& text) {
        const auto count = parse_count(text, least);
        return count && *count <= most ? count : std::nullopt;
    };
}

std::optional<std::uint64_t> positive_size(const std::string& text) {
    const auto size = parse_size(text);
    return size && *size > 0 ? size : std::nullopt;
}

std::optional<Duration> positive_duration(const std::string& text) {
    const auto duration = parse_duration(text);
    return duration && *duration > Duration::zero() ? duration : std::nullopt;
}

std::optional<std::string> not_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

// Of a file: 600, 0660.
std::optional<mode_t> parse_mode(const std::string& text) {
    mode_t mode = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, mode, 8);
    return error == std::errc{} && stop == end && mode <= 0777 ? std::optional(mode) : std::nullopt;
}

// ZeroMQ binds addresses and interfaces, not host names.
std::string bindable(std::string endpoint) {
    constexpr std::string_view kLocalhost = "tcp://localhost:";
    if (endpoint.starts_with(kLocalhost)) {
        endpoint.replace(0, kLocalhost.size(), "tcp://127.0.0.1:");
    }
    return endpoint;
}

void add_batch_options(CommandLine& line, ConsumerOptions& options) {
    auto& batcher = options.batcher;
    line.add({"--interval", "DURATION", "1s", fmt::format("a duration over 0: {}", kDurationForm),
              "Close a batch so often, at a fixed rate; the first tick is at start"},
             into(batcher.interval, positive_duration));
    line.add(
        {"--linger", "DURATION", "", fmt::format("a duration: {}", kDurationForm),
         "Instead of --interval: close a batch so long after its first message; 0s: as soon as "
         "the sink is free"},
        into(batcher.linger, parse_duration));
    line.add_with_optional_value(
        {"--barrier", "N", "", "a count of at least 1",
         "Close a batch as soon as every live producer, and at least N of them, has a message in "
         "it; --interval or --linger is then how long stragglers are waited for"},
        "1", into(batcher.barrier, count_from(1)));
    line.add({"--max-items", "N", "10000", "a count of at least 1",
              "Close a batch early when it has N messages"},
             into(batcher.max_items, count_from(1)));
    line.add({"--max-bytes", "SIZE", "16MiB", fmt::format("a size over 0: {}", kSizeForm),
              "Close a batch early rather than let its request bodies pass SIZE"},
             into(batcher.max_bytes, positive_size));
    line.add({"--reply", "held|immediate", "held", "held or immediate",
              "`held`: answer when the batch was processed. `immediate`: answer on receipt and "
              "give every guarantee up, to see the flood"},
             [&batcher](const std::string& text) {
                 batcher.answer_on_receipt = text == "immediate";
                 return text == "immediate" || text == "held";
             });
    line.add({"--max-held", "N", "100000", "a count of at least 1, at most 2^31",
              "Hold at most N messages; beyond it `busy`"},
             into(batcher.max_held, count_from(1, kMostHeld)));
    line.add({"--max-held-bytes", "SIZE", "256MiB", fmt::format("a size over 0: {}", kSizeForm),
              "Hold at most SIZE of request bodies; beyond it `busy`"},
             into(batcher.max_held_bytes, positive_size));
    line.add({"--max-held-per-producer", "N", "50000", "a count of at least 1, at most 2^31",
              "Hold at most N messages of one producer, a connection; beyond it `busy` to that "
              "one only"},
             into(batcher.max_held_per_producer, count_from(1, kMostHeld)));
    line.add({"--max-held-bytes-per-producer", "SIZE", "128MiB",
              fmt::format("a size over 0: {}", kSizeForm),
              "Hold at most SIZE of request bodies of one producer; beyond it `busy` to that one "
              "only"},
             into(batcher.max_held_bytes_per_producer, positive_size));
    line.add({"--dedup-window", "N", "1000000", "a count, at most 2^31",
              "Remember the ids of the last N processed messages (about 32 bytes each); 0: none"},
             into(batcher.dedup_window, count_from(0, kMostHeld)));
}

// It becomes a token of subjects and a directory of the servers, which name no longer than this.
bool is_stream_name(std::string_view name) {
    constexpr std::size_t kLongest = 255;
    return !name.empty() && name.size() <= kLongest && std::ranges::none_of(name, [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
               std::string_view(".*>/\\").find(c) != std::string_view::npos;
    });
}

// STREAM:REPLICAS
std::optional<NatsStream> parse_stream(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || !is_stream_name(text.substr(0, colon))) {
        return std::nullopt;
    }
    const auto replicas = parse_count(text.substr(colon + 1), 1);
    if (!replicas || *replicas > 5 || *replicas % 2 == 0) {
        return std::nullopt;
    }
    return NatsStream{text.substr(0, colon), static_cast<int>(*replicas)};
}

void add_sink_options(CommandLine& line, ConsumerOptions& options) {
    auto& sink = options.sink;
    line.add({"--sink", "SPEC", "sum", sink_form(),
              "Where batches go. `sum` adds their numbers and keeps nothing"},
             into(sink.spec, not_empty));
    line.add({"--table", "NAME", "messages", "a name",
              "The table that the sinks sqlite and postgres store messages in"},
             into(sink.table, not_empty));
    line.add({"--nats-create", "STREAM:REPLICAS", "",
              R"(the name of a stream (up to 255 bytes, no space and none of . * > / \), a colon, )"
              "and 1, 3 or 5 replicas",
              "Make this stream for the sink nats if it is not there"},
             into(sink.nats_create, parse_stream));
    line.add(
        {"--exec-timeout", "DURATION", "30s", fmt::format("a duration over 0: {}", kDurationForm),
         "How long the sink exec's command may take for a batch before it is started again"},
        into(sink.exec_timeout, positive_duration));
    line.add({"--retry-for", "DURATION|forever", "forever",
              fmt::format("forever, or a duration: {}", kDurationForm),
              "Retry a failing sink for so long, producers held, before `sink_failed`"},
             [&options](const std::string& text) {
                 options.retry.give_up_after = parse_duration(text);
                 return text == "forever" || options.retry.give_up_after.has_value();
             });
    line.add({"--dead-letter", "FILE", "", "the path of a file to append to",
              "Keep each message that the sink rejects here, a JSON line with why and the payload, "
              "synced before its producer is told. May be moved away at any time; "
              "`blocky-producer --replay` sends the payloads again"},
             into(options.dead_letter, not_empty));
}

void add_socket_options(CommandLine& line, ConsumerOptions& options) {
    line.add_repeatable({"--bind", "ENDPOINT", kDefaultBind, std::string(kEndpointForm),
                         "Listen here; may be given several times. Port * or 0: any free one"},
                        [&options](const std::string& text) {
                            options.bind.push_back(bindable(text));
                            return is_endpoint(text, true);
                        });
    line.add_flag("--insecure", options.insecure,
                  "Allow --bind on an address that other machines can reach, unencrypted");
    line.add({"--ipc-mode", "MODE", "0600", "an octal mode from 0 to 0777",
              "The permissions of ipc sockets: who may write to one may connect"},
             into(options.ipc_mode, parse_mode));
    line.add({"--max-message-bytes", "SIZE", "1MiB", "a size from 1 to 256MiB",
              "Refuse a larger request body: `too_large`. A frame over four times SIZE cuts the "
              "connection"},
             into(options.max_message_bytes, [](const std::string& text) {
                 const auto size = positive_size(text);
                 return size && *size <= (256U << 20U) ? size : std::nullopt;
             }));
}

void add_curve_options(CommandLine& line, ConsumerOptions& options) {
    add_generate_key(line, options.generate_key);
    line.add({"--curve-secret-key", "FILE", "", std::string(kSecretKeyFileForm),
              "Encrypt tcp by CURVE, with this key; producers need the public one (FILE.pub)"},
             into(options.curve.secret_key_file, not_empty));
    line.add({"--curve-allow", "FILE", "", std::string(kAllowFileForm),
              "Let these public keys connect by tcp and no others; without it any key may. A name "
              "behind a key is what its messages go by. SIGHUP reads it again"},
             into(options.curve.allow_file, not_empty));
}

void add_run_options(CommandLine& line, ConsumerOptions& options) {
    line.add({"--log", "text|json", "text", "text or json",
              "The batch log on stdout, one line a batch; everything else goes to stderr"},
             [&options](const std::string& text) {
                 options.log = text == "json" ? LogFormat::kJson : LogFormat::kText;
                 return text == "json" || text == "text";
             });
    line.add(
        {"--cpus", "LIST", "all", "numbers of processors that there are and ranges of them: 0,2-3",
         "Run all threads of this program, ZeroMQ's too, on these processors; for few producers "
         "in lock step a single one is fastest"},
        [&options](const std::string& text) {
            options.cpus = parse_cpu_list(text);
            return options.cpus.has_value();
        });
    line.add(
        {"--stall-after", "DURATION", "30s", fmt::format("a duration over 0: {}", kDurationForm),
         "Call this program unhealthy when its loop has not turned, or its sink has been with "
         "one batch, for so long"},
        into(options.stall_after, positive_duration));
    line.add({"--watchdog", "loop|sink", "loop", "loop or sink",
              "Under systemd, restart this program when its loop hangs; with `sink` also when a "
              "call to the sink takes longer than --stall-after"},
             [&options](const std::string& text) {
                 options.watchdog = text == "sink" ? Watchdog::kSink : Watchdog::kLoop;
                 return text == "sink" || text == "loop";
             });
    line.add({"--batches", "N", "", "a count of at least 1",
              "Exit after N batches, the empty ones included"},
             into(options.batches, count_from(1)));
}

void add_http_options(CommandLine& line, ConsumerOptions& options) {
    line.add({"--http", "ADDRESS", "", std::string(kHttpAddressForm),
              "Serve the dashboard, /metrics, /status, /events, /healthz and /readyz here. A port "
              "alone is on 127.0.0.1; nobody is asked for a password"},
             [&options](const std::string& text) {
                 options.http = parse_http_address(text);
                 return options.http.has_value();
             });
}

void read_curve_files(CurveOptions& curve) {
    if (!curve.allow_file.empty() && curve.secret_key_file.empty()) {
        throw UsageError(
            "--curve-allow: got no --curve-secret-key; accepts a list of keys only where "
            "connections are encrypted");
    }
    if (!curve.secret_key_file.empty()) {
        curve.keys = read_secret_key_option("--curve-secret-key", curve.secret_key_file);
    }
    if (!curve.allow_file.empty()) {
        auto list = read_allow_list(curve.allow_file);
        if (!list) {
            throw UsageError(fmt::format("--curve-allow: got \"{}\" ({}); accepts {}",
                                         curve.allow_file, list.error(), kAllowFileForm));
        }
        curve.allow = std::move(*list);
    }
}

}  // namespace

std::optional<ConsumerOptions> parse_consumer_options(int argc, const char* const* argv) {
    CommandLine line("blocky-consumer",
                     "Collects messages from many producers into batches and withholds every "
                     "reply until the batch has been processed.");
    ConsumerOptions options;
    add_socket_options(line, options);
    add_curve_options(line, options);
    add_batch_options(line, options);
    add_sink_options(line, options);
    add_run_options(line, options);
    add_http_options(line, options);
    line.add_environment_and_config();
    if (!line.parse(argc, argv)) {
        return std::nullopt;
    }
    if (options.generate_key) {
        return options;
    }
    options.bind_given = !options.bind.empty();
    if (!options.bind_given) {
        options.bind.emplace_back(kDefaultBind);
    }
    check_exposure(options);
    read_curve_files(options.curve);
    options.sink.dedup_window = options.batcher.dedup_window;
    if (line.given("--interval") && line.given("--linger")) {
        throw UsageError("--linger: got --interval too; accepts one of the two");
    }
    return options;
}

void check_exposure(const ConsumerOptions& options) {
    for (const auto& endpoint : options.bind) {
        if (!options.insecure && options.curve.secret_key_file.empty() && !is_local(endpoint)) {
            throw UsageError(
                fmt::format("--bind: got \"{}\", which other machines can reach and anyone there "
                            "may push to; accepts loopback addresses and ipc, or any address "
                            "together with --curve-secret-key, or with --insecure",
                            endpoint));
        }
    }
}

}  // namespace blocky
