// Everybody who looks on while the consumer runs: readers of --http, and the service manager. Made
// first and gone last, so that a start that takes long can be seen too; none of them can hold a
// batch up.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "consumer/options.hpp"
#include "consumer/router.hpp"
#include "consumer/service_environment.hpp"
#include "consumer/service_notifier.hpp"
#include "consumer/sink_activity.hpp"
#include "consumer/status_board.hpp"
#include "consumer/status_reporter.hpp"

namespace blocky {

class HttpServer;

// Owned by main's thread, which is the router's.
class Onlookers {
public:
    // Binds --http and says where. Throws std::runtime_error that names the address, and UsageError
    // in a build without HTTP. `options` must outlive it.
    Onlookers(const ConsumerOptions& options, const ServiceEnvironment& service);
    ~Onlookers();
    Onlookers(const Onlookers&) = delete;
    Onlookers& operator=(const Onlookers&) = delete;

    // For the worker to tell what the sink is at.
    SinkActivity& sink_activity() { return activity_; }
    // For RouterOptions.
    std::optional<Duration> wake_at_least_every() const;

    // The router is bound, and about to run: from here on it tells them.
    void follow(Router& router, const std::string& run);
    // The router has ended. Whoever reads still gets the last of it, for a moment.
    void end();

private:
    const ConsumerOptions& options_;
    WallTime started_at_;
    SinkActivity activity_;
    StatusBoard board_;
    ServiceNotifier notifier_;
    std::optional<StatusReporter> reporter_;
    std::unique_ptr<HttpServer> http_;  // last: it reads the board
};

}  // namespace blocky
