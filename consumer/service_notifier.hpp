// Tells the service manager (systemd) how the consumer is: ready, what it did last, alive,
// stopping, by the protocol of sd_notify(3). The router calls it once a turn, so that a loop that
// hangs falls silent and the manager's watchdog restarts the program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "consumer/sink_activity.hpp"

namespace blocky {

struct NotifierOptions {
    std::string socket;                // NOTIFY_SOCKET; empty: nobody is told anything
    std::optional<Duration> watchdog;  // WATCHDOG_USEC: silence for so long means restart
    Duration stall_after = std::chrono::seconds(30);  // then a call to the sink hangs
    bool restart_for_sink = false;                    // stay silent while one hangs
};

// The router's thread. `activity` must outlive it. Never waits: what the manager's socket has no
// room for is told a little later, or, as it has become old by then, not at all.
class ServiceNotifier {
public:
    // A socket that cannot be used is a warning, for it is no reason not to serve.
    ServiceNotifier(NotifierOptions options, const SinkActivity& activity);
    ~ServiceNotifier();
    ServiceNotifier(const ServiceNotifier&) = delete;
    ServiceNotifier& operator=(const ServiceNotifier&) = delete;

    // How often turned() is to be called at least; nothing if nobody listens.
    std::optional<Duration> wake_at_least_every() const;

    // What a start waits for, before ready().
    void starting(std::string_view what);
    // All sockets are bound and the sink is open.
    void ready(TimePoint now);
    // A batch is over; it held somebody for so long at most.
    void batch_over(std::uint64_t number, std::size_t messages, Duration longest_hold);
    // The loop has turned; `stopping` from the first turn of a drain on.
    void turned(TimePoint now, bool stopping);

private:
    struct LastBatch {
        std::uint64_t number = 0;
        std::size_t messages = 0;
        Duration longest_hold{0};
    };

    bool hangs(const SinkStatus& sink, TimePoint now) const;
    std::string status(const SinkStatus& sink, TimePoint now) const;
    std::string progress() const;
    bool send(const std::string& text) const;

    NotifierOptions options_;
    const SinkActivity& activity_;
    int descriptor_ = -1;
    Duration rhythm_{0};
    std::string unsaid_;  // changes of state that have not got through
    bool stopping_ = false;
    std::optional<LastBatch> last_;  // that had a message
    std::uint64_t messages_ = 0;     // of all batches
    std::string told_;               // the latest status
    TimePoint status_due_;
    TimePoint due_;
};

}  // namespace blocky
