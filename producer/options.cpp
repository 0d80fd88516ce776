// One entry per option.
#include "producer/options.hpp"

#include <unistd.h>

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "common/command_line.hpp"
#include "common/curve_options.hpp"
#include "common/endpoint.hpp"
#include "common/json_text.hpp"
#include "common/units.hpp"
#include "producer/pipeline.hpp"

namespace blocky {
namespace {

constexpr const char* kDefaultConnect = "tcp://127.0.0.1:5555";
constexpr std::size_t kMaxProducerName = 64;  // leaves room in an id for a session and a number

// HOST-PID.
std::string default_name() {
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    const auto pid = fmt::format("-{}", getpid());
    return std::string(host.data()).substr(0, kMaxProducerName - pid.size()) + pid;
}

std::optional<double> parse_rate(const std::string& text) {
    double rate = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    const bool whole = error == std::errc{} && stop == text.data() + text.size();
    return whole && rate >= 0.001 && rate <= 1e9 ? std::optional(rate) : std::nullopt;
}

std::optional<JsonPointer> parse_pointer(const std::string& text) {
    try {
        return JsonPointer(text);
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

void add_connection_options(CommandLine& line, ProducerOptions& options) {
    auto& client = options.client;
    line.add_repeatable({"--connect", "ENDPOINT", kDefaultConnect, std::string(kEndpointForm),
                         "The consumer; given several times, the next one is used when one stops "
                         "answering"},
                        [&client](const std::string& text) {
                            client.endpoints.push_back(text);
                            return is_endpoint(text, false);
                        });
    line.add({"--name", "NAME", "HOST-PID", "1 to 64 bytes of UTF-8 without control characters",
              "Who pushes: the `producer` member of every message"},
             [&client](const std::string& text) {
                 client.name = text;
                 return !text.empty() && text.size() <= kMaxProducerName && is_utf8(text) &&
                        !has_control_character(text);
             });
    line.add({"--timeout", "DURATION", "10s", fmt::format("a duration over 0: {}", kDurationForm),
              "Without a reply for so long, reconnect and send the same id again; may be shorter "
              "than the batch takes"},
             [&client](const std::string& text) {
                 const auto timeout = parse_duration(text);
                 client.timeout = timeout.value_or(Duration::zero());
                 return client.timeout > Duration::zero();
             });
    line.add({"--retry-for", "DURATION|forever", "forever",
              fmt::format("forever, or a duration: {}", kDurationForm),
              "Give up, with exit status 3, when a message was not acknowledged for so long"},
             [&client](const std::string& text) {
                 client.retry_for = parse_duration(text);
                 return text == "forever" || client.retry_for.has_value();
             });
    line.add({"--max-message-bytes", "SIZE", "1MiB", fmt::format("a size over 0: {}", kSizeForm),
              "Refuse a larger request before it is sent; the consumer's own limit"},
             [&client](const std::string& text) {
                 client.max_message_bytes = parse_size(text).value_or(0);
                 return client.max_message_bytes > 0;
             });
}

struct CurveFiles {
    std::string server_key;  // empty: none
    std::string secret_key;
};

void add_curve_options(CommandLine& line, ProducerOptions& options, CurveFiles& files) {
    line.add({"--curve-server-key", "FILE", "", std::string(kPublicKeyFileForm),
              "Encrypt tcp by CURVE, and talk to nobody but the consumer with this public key"},
             [&files](const std::string& text) {
                 files.server_key = text;
                 return !text.empty();
             });
    line.add({"--curve-secret-key", "FILE", "", std::string(kSecretKeyFileForm),
              "With --curve-server-key: the key that the consumer may know this producer by; "
              "without it one that is made for this run"},
             [&files](const std::string& text) {
                 files.secret_key = text;
                 return !text.empty();
             });
    add_generate_key(line, options.generate_key);
}

std::optional<CurveClient> read_curve_files(const CurveFiles& files) {
    if (files.server_key.empty() && !files.secret_key.empty()) {
        throw UsageError(
            "--curve-secret-key: got no --curve-server-key; accepts a key only together with the "
            "consumer's public one");
    }
    if (files.server_key.empty()) {
        return std::nullopt;
    }
    return CurveClient{read_public_key_option("--curve-server-key", files.server_key),
                       files.secret_key.empty()
                           ? make_curve_keys()
                           : read_secret_key_option("--curve-secret-key", files.secret_key)};
}

void add_message_options(CommandLine& line, ProducerOptions& options) {
    line.add(
        {"--input", "FILE", "", "the path of a readable file, or - for stdin",
         "One message a line: JSON as it is, anything else as a string. Without it: 1, 2, 3 …"},
        [&options](const std::string& text) {
            options.input = text;
            return !text.empty();
        });
    line.add_flag("--raw", options.raw, "Send every line of --input as a string, JSON or not");
    line.add(
        {"--id-field", "POINTER", "", "a JSON pointer such as /id (RFC 6901)",
         "The member of each line of --input that is its id, for exactly-once across restarts; "
         "without it NAME:SESSION:LINE"},
        [&options](const std::string& text) {
            options.id_field = parse_pointer(text);
            return options.id_field.has_value();
        });
    line.add(
        {"--replay", "FILE", "", "the path of a readable file, or - for stdin",
         "Instead of --input: send the payloads of a dead-letter file (blocky-consumer's "
         "--dead-letter) again, in order, with the ids and producers they had, so that to do it "
         "twice is safe. The file is not changed; move it away first, then a new one is begun"},
        [&options](const std::string& text) {
            options.replay = text;
            return !text.empty();
        });
    line.add({"--count", "N", "", "a count of at least 1", "Stop after N acknowledged messages"},
             [&options](const std::string& text) {
                 options.count = parse_count(text, 1);
                 return options.count.has_value();
             });
    line.add({"--rate", "N", "", "a number from 0.001 to 1e9",
              "Send at most N messages a second, evenly spaced"},
             [&options](const std::string& text) {
                 options.rate = parse_rate(text);
                 return options.rate.has_value();
             });
}

void add_output_options(CommandLine& line, ProducerOptions& options) {
    line.add({"--log", "quiet|text|json", "text", "quiet, text or json",
              "One line per reply on stdout; `json`: the reply itself"},
             [&options](const std::string& text) {
                 options.log = text == "json"    ? ReplyFormat::kJson
                               : text == "quiet" ? ReplyFormat::kQuiet
                                                 : ReplyFormat::kText;
                 return text == "json" || text == "quiet" || text == "text";
             });
    line.add(
        {"--progress", "auto|never", "auto", "auto or never",
         "What is said on stderr of how it goes. `auto`: on a terminal a line that is drawn "
         "over, else a line every 5 s; and a summary at the end. `never`: only what goes wrong"},
        [&options](const std::string& text) {
            options.progress = text == "never" ? ProgressMode::kNever : ProgressMode::kAuto;
            return text == "auto" || text == "never";
        });
}

// What is waiting to go, and how much may be on its way.
void add_flow_options(CommandLine& line, ProducerOptions& options) {
    line.add({"--in-flight", "N", "1", fmt::format("a count from 1 to {}", kMaxInFlight),
              "1: each message waits for the reply to the one before; more: so many are on their "
              "way at a time, in order, each acknowledged"},
             [&options](const std::string& text) {
                 options.in_flight = parse_count(text, 1).value_or(0);
                 return options.in_flight >= 1 && options.in_flight <= kMaxInFlight;
             });
    line.add({"--bundle", "N", "1", fmt::format("a count from 1 to {}", kMaxBundle),
              "With --in-flight: up to N messages that are waiting to go travel as one request; "
              "none waits for a bundle to fill"},
             [&options](const std::string& text) {
                 options.bundle = parse_count(text, 1).value_or(0);
                 return options.bundle >= 1 && options.bundle <= kMaxBundle;
             });
    line.add({"--deadline", "DURATION", "", fmt::format("a duration over 0: {}", kDurationForm),
              "Have the consumer not process a message that has not gone to the sink so long after "
              "its arrival (whole milliseconds, at least 1); it is sent again"},
             [&client = options.client](const std::string& text) {
                 const auto deadline = parse_duration(text);
                 client.deadline = std::chrono::ceil<std::chrono::milliseconds>(
                     deadline.value_or(Duration::zero()));
                 return client.deadline.count() > 0;
             });
}

// Where each message comes from, and with whose name and id, must be said once.
void check_replay(const CommandLine& line) {
    for (const std::string other : {"--input", "--raw", "--id-field", "--name"}) {
        if (line.given("--replay") && line.given(other)) {
            throw UsageError(
                fmt::format("--replay: got {} too; accepts a dead-letter file alone, whose "
                            "messages have their own values, ids and producers",
                            other));
        }
    }
}

void check_combination(const ProducerOptions& options) {
    if (options.id_field && !options.input) {
        throw UsageError(
            "--id-field: got no --input; accepts JSON lines from --input to take ids "
            "from");
    }
    if (options.id_field && options.raw) {
        throw UsageError("--id-field: got --raw too; accepts lines that are read as JSON only");
    }
    if (options.bundle > 1 && options.in_flight == 1) {
        throw UsageError(
            fmt::format("--bundle: got {} without --in-flight over 1; accepts several messages in "
                        "a request only where several may be in flight",
                        options.bundle));
    }
}

}  // namespace

std::optional<ProducerOptions> parse_producer_options(int argc, const char* const* argv) {
    CommandLine line("blocky-producer",
                     "Pushes messages to a blocky-consumer, and says of each when it has been "
                     "processed.");
    ProducerOptions options;
    options.client.name = default_name();
    add_connection_options(line, options);
    CurveFiles curve;
    add_curve_options(line, options, curve);
    add_message_options(line, options);
    add_flow_options(line, options);
    add_output_options(line, options);
    if (!line.parse(argc, argv)) {
        return std::nullopt;
    }
    if (options.client.endpoints.empty()) {
        options.client.endpoints.emplace_back(kDefaultConnect);
    }
    if (options.generate_key) {
        return options;
    }
    options.client.curve = read_curve_files(curve);
    check_replay(line);
    check_combination(options);
    return options;
}

}  // namespace blocky
