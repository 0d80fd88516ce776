// A sink that does what the test tells it to. process() runs in the worker's thread.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "consumer/sink.hpp"
#include "tests/support/deadline.hpp"

namespace blocky::test {

inline BatchResult store(const Batch& batch) {
    return std::vector<Verdict>(batch.messages.size(), {Verdict::Kind::kStored, "\"stored\""});
}

inline BatchResult fail(SinkFailure::Kind kind, std::string reason) {
    return tl::make_unexpected(SinkFailure{kind, std::move(reason)});
}

inline BatchResult fail_transiently(std::string reason = "the disk is full") {
    return fail(SinkFailure::Kind::kTransient, std::move(reason));
}

// Fails for good as long as a message with that value is in the batch.
inline BatchResult refuse(const Batch& batch, std::string_view value) {
    const bool found = std::ranges::count(batch.messages, value, &Message::value) > 0;
    return found ? fail(SinkFailure::Kind::kPermanent, "it takes no " + std::string(value))
                 : store(batch);
}

class FakeSink : public Sink {
public:
    using Process = std::function<BatchResult(const Batch&)>;

    explicit FakeSink(Process process = store) : process_(std::move(process)) {}

    // Of process(), when they have begun and when they have returned.
    Counter calls;
    Counter returns;

    BatchResult process(const Batch& batch) override {
        calls.step();
        auto result = process_(batch);
        returns.step();
        return result;
    }
    std::optional<std::string> objection_to(const PushRequest& request) const override {
        return request.value == "\"objectionable\"" ? std::optional("it takes no such thing")
                                                    : std::nullopt;
    }
    Summary summarize(const Batch& batch, const std::vector<Verdict>& /*verdicts*/) const override {
        const auto size = std::to_string(batch.messages.size());
        return {size, "Stored " + size + " messages"};
    }

private:
    Process process_;
};

}  // namespace blocky::test
