// One line per sink.
#include "consumer/sinks/make_sink.hpp"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "common/command_line.hpp"
#include "consumer/sinks/exec.hpp"
#include "consumer/sinks/file_system.hpp"
#include "consumer/sinks/jsonl.hpp"
#include "consumer/sinks/sum.hpp"
#ifdef BLOCKY_WITH_NATS
#include "consumer/sinks/jetstream_connection.hpp"
#include "consumer/sinks/nats.hpp"
#include "consumer/sinks/nats_target.hpp"
#endif
#ifdef BLOCKY_WITH_POSTGRES
#include "consumer/sinks/postgres.hpp"
#endif
#ifdef BLOCKY_WITH_SQLITE
#include "consumer/sinks/sqlite.hpp"
#endif

namespace blocky {
namespace {

using Make = std::unique_ptr<Sink> (*)(const SinkOptions& options, const std::string& target);

struct Kind {
    std::string_view name;    // what stands before the colon
    std::string_view target;  // what must stand behind it; empty: nothing
    Make make;                // nullptr: this build is without it
};

std::unique_ptr<Sink> make_sum(const SinkOptions& /*options*/, const std::string& /*target*/) {
    return std::make_unique<SumSink>();
}

std::unique_ptr<Sink> make_jsonl(const SinkOptions& options, const std::string& target) {
    return std::make_unique<JsonlSink>(real_file_system(), target, options.run,
                                       options.dedup_window);
}

#ifndef BLOCKY_WITH_SQLITE
constexpr Make make_sqlite_sink = nullptr;
#endif

#ifdef BLOCKY_WITH_POSTGRES
std::unique_ptr<Sink> make_postgres(const SinkOptions& options, const std::string& target) {
    return std::make_unique<PostgresSink>(options, target);
}
#else
constexpr Make make_postgres = nullptr;
#endif

#ifdef BLOCKY_WITH_NATS
std::unique_ptr<Sink> make_nats(const SinkOptions& options, const std::string& target) {
    const auto parsed = parse_nats_target(target);
    if (!parsed) {
        throw UsageError(
            fmt::format("--sink: got \"nats:{}\"; accepts nats:{} with URLs such as "
                        "nats://127.0.0.1:4222 and a subject without wildcards",
                        without_credentials(target), kNatsTargetForm));
    }
    return std::make_unique<NatsSink>(open_jetstream(*parsed, options.run, options.nats_create),
                                      options.run);
}
#else
constexpr Make make_nats = nullptr;
#endif

const std::array kKinds{Kind{"sum", "", make_sum},
                        Kind{"jsonl", "PATH", make_jsonl},
                        Kind{"sqlite", "PATH", make_sqlite_sink},
                        Kind{"postgres", "CONNINFO", make_postgres},
                        Kind{"nats", "URL[,URL…]#SUBJECT", make_nats},
                        Kind{"exec", "COMMAND", make_exec_sink},
                        Kind{"exec-sh", "LINE", make_exec_sh_sink}};

}  // namespace

std::string sink_form() {
    std::string form;
    for (const auto& kind : kKinds) {
        if (kind.make == nullptr) {
            continue;
        }
        form += fmt::format("{}{}{}{}", form.empty() ? "" : ", ", kind.name,
                            kind.target.empty() ? "" : ":", kind.target);
    }
    return form;
}

std::unique_ptr<Sink> make_sink(const SinkOptions& options) {
    const std::string_view spec = options.spec;
    const auto colon = spec.find(':');
    auto name = spec.substr(0, colon);
    const auto target =
        colon == std::string_view::npos ? std::string_view() : spec.substr(colon + 1);
    // A URI that is the whole of it: its scheme has two names, as libpq knows it.
    if (name == "postgresql" && target.starts_with("//")) {
        name = "postgres";
    }
    for (const auto& kind : kKinds) {
        if (kind.name == name && kind.make == nullptr) {
            throw UsageError(
                fmt::format("--sink: got \"{}\", a sink that this build is without; "
                            "accepts {}",
                            name, sink_form()));
        }
        if (kind.name == name && target.empty() == kind.target.empty() &&
            (colon == std::string_view::npos) == kind.target.empty()) {
            return kind.make(options, std::string(target));
        }
    }
    throw UsageError(fmt::format("--sink: got \"{}\"; accepts {}", spec, sink_form()));
}

}  // namespace blocky
