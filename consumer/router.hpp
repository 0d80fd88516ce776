// The loop around the ROUTER socket: receives requests, asks the batcher, hands batches to the
// worker, and sends the replies when a batch is done. Everything it knows of batches is in the
// batcher; everything it knows of sinks is in the worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "common/clock.hpp"
#include "common/signals.hpp"
#include "consumer/batch_log.hpp"
#include "consumer/batcher.hpp"
#include "consumer/connection_watch.hpp"
#include "consumer/curve_server.hpp"
#include "consumer/gate.hpp"
#include "consumer/metrics.hpp"
#include "consumer/passed_sockets.hpp"
#include "consumer/reception.hpp"
#include "consumer/router_socket.hpp"
#include "consumer/service_notifier.hpp"
#include "consumer/sink.hpp"
#include "consumer/status_reporter.hpp"
#include "consumer/timer.hpp"
#include "consumer/worker.hpp"

namespace blocky {

struct RouterOptions {
    std::vector<std::string> bind;
    std::vector<PassedSocket> passed;  // of `bind`, what is bound already
    mode_t ipc_mode = 0600;            // of ipc sockets that are files
    std::optional<CurveServer> curve;  // on tcp; nothing: unencrypted
    std::uint64_t max_message_bytes = kDefaultMaxMessageBytes;
    BatcherOptions batcher;
    std::optional<std::uint64_t> batches;           // stop after so many
    std::optional<Duration> wake_at_least_every;    // turn so often, though nothing has happened
    Duration drain_for = std::chrono::seconds(10);  // what a drain may take at most
};

// Owned and run by one thread. What it is given must outlive it.
class Router {
public:
    // Binds. Throws std::runtime_error that names the endpoint when that fails.
    Router(zmq::context_t& context, const RouterOptions& options, Sink& sink, Worker& worker,
           BatchLog& log, StopSignal& stop);

    // Where it listens, with the ports that were given.
    const std::vector<std::string>& endpoints() const { return endpoints_; }

    // Before run(): whom to tell what is to be shown.
    void report_to(StatusReporter& reporter) { reporter_ = &reporter; }
    // Before run(): what tells the service manager how it goes.
    void notify_by(ServiceNotifier& notifier) { notifier_ = &notifier; }

    // Turns until the stop signal or the last batch. True when all that was held has been
    // processed or refused in order; false when the sink did not return in time: then the worker
    // is still inside it, and only ending the process ends that.
    bool run();

    const Metrics& metrics() const { return metrics_; }

private:
    enum class State { kServing, kDraining, kDone, kSinkStuck };

    void turn(Batcher& batcher);
    void notify();
    void answer_the_rest(Batcher& batcher);
    void wait(const Batcher& batcher);
    std::optional<TimePoint> wake_at(const Batcher& batcher);
    StatusReporter::Standing standing(const Batcher& batcher) const;
    void follow_hangup();
    void receive();
    bool receive_one();
    void follow_connections(Batcher& batcher);
    void admit_all(Batcher& batcher);
    void take_result(Batcher& batcher);
    void dispatch(Batcher& batcher);
    void finish(const Batch& batch, const Processed& processed, HeldBatch& held);
    void follow_shutdown(Batcher& batcher);
    void send(const Envelope& envelope, std::string_view body, Sharing sharing);

    RouterOptions options_;
    Sink& sink_;
    Worker& worker_;
    BatchLog& log_;
    StopSignal& stop_;
    StatusReporter* reporter_ = nullptr;
    ServiceNotifier* notifier_ = nullptr;
    RouterSocket socket_;
    ConnectionWatch connections_;
    Gate gate_;
    Metrics metrics_;
    Reception reception_;
    std::vector<Incoming> incoming_;  // of this turn
    std::vector<std::string> endpoints_;
    Timer timer_;
    State state_ = State::kServing;
    TimePoint now_;       // of this turn: time stands still within one
    TimePoint drain_by_;  // while draining
    TimePoint wake_by_;   // with wake_at_least_every
};

}  // namespace blocky
