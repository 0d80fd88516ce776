// What each of them is told, and how often at least.
#include "consumer/onlookers.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/command_line.hpp"
#include "common/logging.hpp"
#ifdef BLOCKY_WITH_HTTP
#include "consumer/http/http_server.hpp"
#endif

namespace blocky {

#ifdef BLOCKY_WITH_HTTP
namespace {

// Nothing without --http. Anybody who reaches the address may read: that is said.
std::unique_ptr<HttpServer> serve_http(const ConsumerOptions& options, StatusBoard& board) {
    if (!options.http) {
        return nullptr;
    }
    auto server = std::make_unique<HttpServer>(
        HttpServer::Options{*options.http, options.stall_after}, board);
    print_to_stderr(fmt::format("blocky-consumer: dashboard at {}", server->url()));
    if (!options.http->is_loopback()) {
        spdlog::warn(
            "--http {}: anybody who reaches that address can read producers' names and "
            "numbers",
            server->url());
    }
    return server;
}

}  // namespace
#else
class HttpServer {
public:
    static void end() {}
};

namespace {

std::unique_ptr<HttpServer> serve_http(const ConsumerOptions& options, StatusBoard& /*board*/) {
    if (options.http) {
        throw UsageError("--http: this build is without it (BLOCKY_WITH_HTTP)");
    }
    return nullptr;
}

}  // namespace
#endif

namespace {

// With --http: how old the loop's latest turn may look while nothing happens.
constexpr Duration kBetweenBeats = std::chrono::seconds(1);

NotifierOptions notifier_options(const ConsumerOptions& options,
                                 const ServiceEnvironment& service) {
    return {service.notify_socket, service.watchdog, options.stall_after,
            options.watchdog == Watchdog::kSink};
}

}  // namespace

Onlookers::Onlookers(const ConsumerOptions& options, const ServiceEnvironment& service)
    : options_(options),
      started_at_(std::chrono::system_clock::now()),
      board_(activity_),
      notifier_(notifier_options(options, service), activity_),
      http_(serve_http(options, board_)) {
    notifier_.starting("the sink is being opened");
}

Onlookers::~Onlookers() = default;

std::optional<Duration> Onlookers::wake_at_least_every() const {
    const auto for_manager = notifier_.wake_at_least_every();
    if (!http_) {
        return for_manager;
    }
    return std::min(for_manager.value_or(kBetweenBeats), kBetweenBeats);
}

void Onlookers::follow(Router& router, const std::string& run) {
    router.notify_by(notifier_);
    if (http_) {
        const auto& batcher = options_.batcher;
        RunInfo info;
        info.run = run;
        info.sink = options_.sink.spec.substr(0, options_.sink.spec.find(':'));
        info.endpoints = router.endpoints();
        info.started_at = started_at_;
        info.timer = batcher.linger ? "linger" : "interval";
        info.timer_period = batcher.linger.value_or(batcher.interval);
        info.barrier = batcher.barrier;
        info.answers_on_receipt = batcher.answer_on_receipt;
        info.max_items = batcher.max_items;
        info.max_held = batcher.max_held;
        reporter_.emplace(board_, std::move(info));
        router.report_to(*reporter_);
    }
    notifier_.ready(Clock::now());
}

void Onlookers::end() {
    if (http_) {
        http_->end();
    }
}

}  // namespace blocky
