// A pipelined client that runs in the test's own thread, between what the test does as the
// consumer: it only ever works inside its calls.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <zmq.hpp>

#include "producer/pipelined_client.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/fake_consumer.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {

// An option a test does not set never fires within it.
inline PipelineOptions patient_pipeline(std::vector<std::string> endpoints, std::size_t bundle = 1,
                                        std::size_t in_flight = 100) {
    PipelineOptions options{{}, in_flight, kMaxInFlightBytes, bundle};
    options.client.endpoints = std::move(endpoints);
    options.client.name = "p-1";
    options.client.timeout = 1h;
    return options;
}

class Flowing {
public:
    explicit Flowing(PipelineOptions options)
        : stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          client_(context_, with_stop(std::move(options))) {}
    Flowing(const Flowing&) = delete;
    Flowing& operator=(const Flowing&) = delete;

    PipelinedClient& client() { return client_; }

    void push(const std::vector<std::string>& ids, const std::string& value = "1") {
        for (const auto& id : ids) {
            client_.push_async(value, id, [this, id](std::string_view given, const PushResult& is) {
                CHECK(given == id);
                CHECK(outcomes_.emplace(id, is).second);
            });
        }
    }
    // The next request, which must come.
    Arrived arrives_at(FakeConsumer& consumer) {
        const auto end = Clock::now() + kDeadline;
        while (Clock::now() < end) {
            client_.wait(Clock::now() + 1ms);
            if (auto arrived = consumer.receive_within(1ms)) {
                return std::move(*arrived);
            }
        }
        FAIL("no request has come");
        return {};
    }
    // Nothing comes while the client works for so long.
    bool sends_nothing(FakeConsumer& consumer, Duration time) {
        const auto end = Clock::now() + time;
        while (Clock::now() < end) {
            client_.wait(end);
        }
        return consumer.is_silent_for(20ms);
    }
    // What becomes of a message, for which something must.
    const PushResult& outcome(const std::string& id) {
        const auto end = Clock::now() + kDeadline;
        while (!outcomes_.contains(id) && Clock::now() < end) {
            client_.wait(end);
        }
        REQUIRE(outcomes_.contains(id));
        return outcomes_.at(id);
    }
    bool settled(const std::string& id) const { return outcomes_.contains(id); }

    void stop() {
        const std::uint64_t one = 1;
        REQUIRE(write(stop_.get(), &one, sizeof one) == sizeof one);
    }

private:
    PipelineOptions with_stop(PipelineOptions options) const {
        options.client.stop_descriptor = stop_.get();
        return options;
    }

    zmq::context_t context_;
    Descriptor stop_;
    std::map<std::string, PushResult> outcomes_;
    PipelinedClient client_;
};

}  // namespace blocky::test
