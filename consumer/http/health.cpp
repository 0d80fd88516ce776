// The worst thing first.
#include "consumer/http/health.hpp"

#include <chrono>

#include <fmt/format.h>

namespace blocky {
namespace {

std::string whole_seconds(Duration duration) {
    return fmt::format("{} s", std::chrono::floor<std::chrono::seconds>(duration).count());
}

std::string why_failing(const SinkStatus& sink) {
    return sink.failing_since && !sink.reason.empty() ? ": " + sink.reason : std::string();
}

// Why nothing moves; nothing if it does.
std::optional<std::string> stall(const Signs& signs, Duration stall_after, TimePoint now) {
    if (signs.last_beat && now - *signs.last_beat > stall_after) {
        return fmt::format("the loop has not turned for {}", whole_seconds(now - *signs.last_beat));
    }
    const auto& sink = signs.sink;
    if (sink.busy_since && now - *sink.busy_since > stall_after) {
        return fmt::format("the sink has had batch {} for {}{}", sink.batch,
                           whole_seconds(now - *sink.busy_since), why_failing(sink));
    }
    return std::nullopt;
}

}  // namespace

Health health(const Signs& signs, Duration stall_after, TimePoint now) {
    if (const auto reason = stall(signs, stall_after, now)) {
        return {false, *reason};
    }
    return {true, signs.last_beat ? "ok" : "starting"};
}

Health readiness(const Signs& signs, Duration stall_after, TimePoint now) {
    if (!signs.last_beat || !signs.state) {
        return {false, "starting"};
    }
    if (signs.state == Snapshot::State::kDraining) {
        return {false, "draining"};
    }
    if (signs.state == Snapshot::State::kStopped) {
        return {false, "stopped"};
    }
    if (const auto reason = stall(signs, stall_after, now)) {
        return {false, *reason};
    }
    if (signs.sink.failing_since) {
        return {false, fmt::format("the sink has been failing for {}{}",
                                   whole_seconds(now - *signs.sink.failing_since),
                                   why_failing(signs.sink))};
    }
    return {true, "ready"};
}

}  // namespace blocky
