// Publishes batches to a stream of NATS JetStream, the engine for when one machine is not enough:
// `ok` means that a majority of the stream's replicas has the message. Who already has a message is
// told by its id: the servers' duplicate window, and where that may have ended, reading back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "consumer/sink.hpp"
#include "consumer/sinks/jetstream.hpp"
#include "consumer/sinks/unanswered_ids.hpp"

namespace blocky {

class NatsSink : public Sink {
public:
    // `run` names this run in headers and in the ids of messages that have none.
    NatsSink(std::unique_ptr<JetStream> stream, std::string run);

    // Any message that is not acknowledged fails the batch, transiently: all of it is tried again,
    // beginning with one message alone, and what was acknowledged is not sent again.
    BatchResult process(const Batch& batch) override;
    std::optional<std::string> objection_to(const PushRequest& request) const override;
    Summary summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const override;

private:
    std::vector<std::string> stored_ids(const Batch& batch) const;
    std::vector<Publication> unsettled(const Batch& batch, const std::vector<std::string>& ids);
    // For ids in the stream. The ids are the caller's.
    struct Search {
        std::unordered_set<std::string_view> missing;
        TimePoint began;
        std::uint64_t after = 0;  // what is up to there has been read
    };
    std::optional<std::string> read_back(Search& search);
    std::optional<std::string> read_back_if_needed(const std::vector<std::string>& ids);
    std::optional<std::string> publish(const std::vector<Publication>& publications);
    std::optional<std::string> publish_part(const std::vector<Publication>& part);
    Verdict verdict_of(const std::string& id, const PubAck& ack);
    BatchResult verdicts_for(const std::vector<std::string>& ids) const;

    std::unique_ptr<JetStream> stream_;
    std::string run_;

    // The worker's thread only.
    bool failing_ = false;
    std::uint64_t last_sequence_;  // that is known to be in the stream
    std::uint64_t batch_ = 0;      // that settled_ is of
    std::unordered_map<std::string, Verdict> settled_;
    UnansweredIds unanswered_;
};

}  // namespace blocky
