// The consumer without its main(): a router with its worker in a thread of its own, on a port of
// its own, around a fake sink. SIGTERM stops it, as it does the program; so one at a time.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>

#include "common/signals.hpp"
#include "consumer/router.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/fake_sink.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {

// Batches that close at so many messages, and by no tick but the first.
inline RouterOptions batches_of(std::uint64_t max_items) {
    RouterOptions options;
    options.bind = {"tcp://127.0.0.1:*"};
    options.batcher.interval = 1000h;
    options.batcher.max_items = max_items;
    return options;
}

class RunningRouter {
public:
    explicit RunningRouter(FakeSink& sink, RouterOptions options = batches_of(1),
                           RetryPolicy retry = {std::nullopt, 1ms, 2ms},
                           const std::string& log_path = "/dev/null",
                           DeadLetter* dead_letter = nullptr)
        : log_(open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
          thread_([this, &sink, options, retry, dead_letter] {
              run(sink, options, retry, dead_letter);
          }) {
        auto endpoints = endpoints_promise_.get_future();
        endpoints_ = get(endpoints);
    }
    ~RunningRouter() {
        stop();
        thread_.join();
    }
    RunningRouter(const RunningRouter&) = delete;
    RunningRouter& operator=(const RunningRouter&) = delete;

    const std::string& endpoint(std::size_t which = 0) const { return endpoints_.at(which); }
    zmq::context_t& context() { return context_; }

    void stop() {
        if (!stop_.requested()) {
            kill(getpid(), SIGTERM);  // to the process: raise() would be to this thread alone
            CHECK(readable(stop_.descriptor()));
        }
    }
    // What run() returned; waits for it.
    bool finished() {
        auto result = finished_promise_.get_future();
        return get(result);
    }
    // Once it has finished.
    const Metrics& metrics() const { return metrics_; }

private:
    void run(FakeSink& sink, const RouterOptions& options, const RetryPolicy& retry,
             DeadLetter* dead_letter) {
        try {
            Worker worker(sink, retry, dead_letter);
            BatchLog log(log_.get(), LogFormat::kText, "run");
            Router router(context_, options, sink, worker, log, stop_);
            endpoints_promise_.set_value(router.endpoints());
            const bool result = router.run();
            metrics_ = router.metrics();
            finished_promise_.set_value(result);
        } catch (...) {
            finished_promise_.set_exception(std::current_exception());
        }
    }

    StopSignal stop_;
    zmq::context_t context_;
    Descriptor log_;
    std::promise<std::vector<std::string>> endpoints_promise_;
    std::promise<bool> finished_promise_;
    std::vector<std::string> endpoints_;
    Metrics metrics_;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace blocky::test
