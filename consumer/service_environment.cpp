// getenv(3), then unsetenv(3).
#include "consumer/service_environment.hpp"

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>

#include "common/units.hpp"

namespace blocky {
namespace {

// Empty when it is not set.
std::string take(const char* name) {
    // No thread exists yet that could use the environment.
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    std::string text = value == nullptr ? "" : value;
    unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
    return text;
}

bool is_ours(const std::string& process) {
    return process == std::to_string(getpid());
}

std::optional<Duration> watchdog_period(const std::string& process,
                                        const std::string& microseconds) {
    const auto period = parse_count(microseconds, 1);
    if ((!process.empty() && !is_ours(process)) || !period) {
        return std::nullopt;
    }
    return std::chrono::microseconds(*period);
}

std::vector<PassedSocket> passed_sockets(const std::string& process, const std::string& count,
                                         const std::string& names) {
    constexpr std::uint64_t kMost = 1024;
    if (!is_ours(process)) {
        return {};
    }
    const auto number = parse_count(count, 0);
    if (!number || *number > kMost) {
        throw std::runtime_error(fmt::format(
            "LISTEN_FDS: got \"{}\"; accepts a number of sockets, at most {}", count, kMost));
    }
    return inspect_passed_sockets(kFirstPassed, static_cast<int>(*number), names);
}

}  // namespace

ServiceEnvironment take_service_environment() {
    ServiceEnvironment environment;
    environment.notify_socket = take("NOTIFY_SOCKET");
    const auto watched = take("WATCHDOG_PID");
    environment.watchdog = watchdog_period(watched, take("WATCHDOG_USEC"));
    const auto listener = take("LISTEN_PID");
    const auto count = take("LISTEN_FDS");
    const auto names = take("LISTEN_FDNAMES");
    environment.sockets = passed_sockets(listener, count, names);
    return environment;
}

}  // namespace blocky
