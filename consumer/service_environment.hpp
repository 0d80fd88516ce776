// What a service manager (systemd, or who speaks its protocols) leaves in the environment of a
// program that it starts: where to report, how often, and which sockets it has opened already.
// sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "consumer/passed_sockets.hpp"

namespace blocky {

struct ServiceEnvironment {
    std::string notify_socket;         // a path, or @name of an abstract one; empty: nobody listens
    std::optional<Duration> watchdog;  // who reports nothing for so long is taken for dead
    std::vector<PassedSocket> sockets;
};

// Reads it and takes it out of the environment, so that no child takes itself for the service.
// Before any thread is started, and once: the passed descriptors are the caller's from now on.
// Throws std::runtime_error for sockets that cannot be served.
ServiceEnvironment take_service_environment();

}  // namespace blocky
