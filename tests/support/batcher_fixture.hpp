// A batcher with short ways to push to it and to end batches. Time is what the test says it is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consumer/batcher.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {

inline constexpr IdTable::Secret kSecret{1, 2, 3};

// Never a tick after the first, unless the test asks for some.
inline BatcherOptions calm_options() {
    BatcherOptions options;
    options.interval = 1000h;
    options.dedup_window = 1000;  // quick to make
    return options;
}

struct BatcherFixture {
    explicit BatcherFixture(const BatcherOptions& options = calm_options())
        : batcher(options, kSecret, at(0s)) {}

    // What is answered at once, as JSON; empty when the sender is held.
    std::string push(const std::string& connection, const std::string& id, Duration now,
                     const std::string& value = "1", std::size_t bytes = 10) {
        auto claim = claim_from(connection);
        auto pushed = request(value, id);
        pushed.producer = connection;
        pushed.deadline = deadline;
        const auto reply = batcher.admit({pushed, bytes, connection, live}, claim, at(now));
        return reply ? encode(*reply) : std::string();
    }

    // The size of the batch that is due; nothing when none is.
    std::optional<std::size_t> take(Duration now) {
        const auto due = batcher.take_due(at(now));
        if (!due) {
            return std::nullopt;
        }
        batch = due;
        return batch->messages.size();
    }

    // Ends the batch in flight with the same verdict for all; the connections to be answered.
    std::vector<std::string> complete(Verdict::Kind kind = Verdict::Kind::kStored) {
        return complete_each(std::vector<Verdict>(batch->messages.size(), {kind, ""}));
    }
    std::vector<std::string> complete_each(const std::vector<Verdict>& verdicts) {
        std::vector<std::string> connections;
        for (const auto& waiter : batcher.complete(verdicts).waiters) {
            connections.emplace_back(waiter.claim.envelope.connection());
        }
        return connections;
    }

    // The connections whose messages have expired.
    std::vector<std::string> take_expired(Duration now) {
        std::vector<std::string> connections;
        for (const auto& [claim, id] : batcher.take_expired(at(now))) {
            connections.emplace_back(claim.connection());
        }
        return connections;
    }

    Batcher batcher;
    std::shared_ptr<const Batch> batch;     // the latest that was taken
    std::chrono::milliseconds deadline{0};  // of what is pushed
    bool live = true;                       // whether the connections of what is pushed last
};

inline const std::string kHeld;

}  // namespace blocky::test
