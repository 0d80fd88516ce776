// A client whose push() runs in another thread while the test plays the consumer.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>

#include "producer/client.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {

using Pushed = tl::expected<Acknowledgement, PushFailure>;

// An option a test does not set never fires within it.
inline ClientOptions patient(std::vector<std::string> endpoints) {
    ClientOptions options;
    options.endpoints = std::move(endpoints);
    options.name = "p-1";
    options.timeout = 1h;
    return options;
}

class Pushing {
public:
    explicit Pushing(ClientOptions options) : client_(context_, with_stop(std::move(options))) {}
    // Ends a push that a failed test has left behind.
    ~Pushing() { stop(); }
    Pushing(const Pushing&) = delete;
    Pushing& operator=(const Pushing&) = delete;

    // One at a time: the client belongs to the thread of the push under way.
    std::future<Pushed> start(const std::string& id, const std::string& value = "1") {
        std::packaged_task<Pushed()> task([=, this] { return client_.push(value, id); });
        auto pushed = task.get_future();
        thread_ = std::jthread(std::move(task));
        return pushed;
    }
    // For a push that needs nobody to play the consumer.
    Pushed push(const std::string& id, const std::string& value = "1") {
        return client_.push(value, id);
    }
    void stop() {
        const std::uint64_t one = 1;
        REQUIRE(write(stop_.get(), &one, sizeof one) == sizeof one);
    }

private:
    ClientOptions with_stop(ClientOptions options) const {
        options.stop_descriptor = stop_.get();
        return options;
    }

    zmq::context_t context_;
    Descriptor stop_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    Client client_;
    std::jthread thread_;  // last: it uses the client
};

// Where nobody listens.
class Nowhere {
public:
    std::string endpoint() const { return "ipc://" + directory_.file("nobody"); }

private:
    TemporaryDirectory directory_;
};

}  // namespace blocky::test
