// What a service manager has left in the environment is read once, and is gone then.
#include "consumer/service_environment.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>

#include <doctest/doctest.h>

#include "tests/support/parse_options.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

// With all six variables set, so that none is there afterwards; an empty one says nothing.
ServiceEnvironment taken(const std::string& socket, const std::string& watchdog_usec,
                         const std::string& watchdog_pid, const std::string& listen_pid = "1",
                         const std::string& listen_fds = "1") {
    const EnvironmentVariable a("NOTIFY_SOCKET", socket);
    const EnvironmentVariable b("WATCHDOG_USEC", watchdog_usec);
    const EnvironmentVariable c("WATCHDOG_PID", watchdog_pid);
    const EnvironmentVariable d("LISTEN_PID", listen_pid);
    const EnvironmentVariable e("LISTEN_FDS", listen_fds);
    const EnvironmentVariable f("LISTEN_FDNAMES", "x");
    return take_service_environment();
}

const std::string kUs = std::to_string(getpid());

TEST_CASE("it is read, and taken out") {
    const EnvironmentVariable socket("NOTIFY_SOCKET", "/run/notify");
    const EnvironmentVariable period("WATCHDOG_USEC", "30000000");
    const EnvironmentVariable listener("LISTEN_PID", "1");
    const auto environment = take_service_environment();
    CHECK(environment.notify_socket == "/run/notify");
    CHECK(environment.watchdog == 30s);
    CHECK(environment.sockets.empty());
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_PID"}) {
        CHECK(std::getenv(name) == nullptr);
    }
    CHECK(take_service_environment().notify_socket.empty());
}

TEST_CASE("a watchdog is ours unless it is said to be another's") {
    CHECK(taken("", "1000", "").watchdog == 1ms);
    CHECK(taken("", "1000", kUs).watchdog == 1ms);
    CHECK_FALSE(taken("", "1000", "1").watchdog);
    for (const std::string no_period : {"", "0", "-1", "1s", "99999999999999999999"}) {
        CHECK_FALSE(taken("", no_period, "").watchdog);
    }
}

TEST_CASE("sockets are ours only if they are said to be") {
    CHECK(taken("", "", "", "1", "3").sockets.empty());
    CHECK(taken("", "", "", "", "3").sockets.empty());
    CHECK(taken("", "", "", kUs, "0").sockets.empty());
    for (const std::string no_count : {"", "x", "-1", "1025"}) {
        CHECK_THROWS_AS(taken("", "", "", kUs, no_count), std::runtime_error);
    }
}

}  // namespace
}  // namespace blocky::test
