// Between the socket and the batcher: a request is decoded, and refused or held; who is held is
// answered when the time has come. Knows no threads and no clocks, and of ZeroMQ only the memory
// that its messages are in, so that the simulation runs this very code.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/protocol.hpp"
#include "common/request_decoder.hpp"
#include "consumer/batcher.hpp"
#include "consumer/gate.hpp"
#include "consumer/held_batch.hpp"
#include "consumer/metrics.hpp"
#include "consumer/release.hpp"
#include "consumer/router_socket.hpp"
#include "consumer/sink.hpp"

namespace blocky {

// A request that has been read and not been looked at yet.
struct Incoming {
    Request request;
    bool live = true;  // its connection has not ended
};

// Touched by the router's thread only.
class Reception {
public:
    // Sends a reply to whoever the envelope names, or counts that it could not.
    using Send = std::function<void(const Envelope&, std::string_view body, Sharing)>;

    // All but the numbers must outlive it. `options` are the batcher's.
    Reception(std::uint64_t max_message_bytes, const BatcherOptions& options, const Sink& sink,
              Gate& gate, Metrics& metrics, Send send);

    // Looks at all that has come, in that order, and empties the list.
    void admit(Batcher& batcher, std::vector<Incoming>& incoming, TimePoint now);

    // A batch is over: answers whoever is held for it.
    void release(HeldBatch& held, const std::vector<Verdict>& verdicts);
    // Answers whose deadlines have passed.
    void answer_expired(Batcher& batcher, TimePoint now);
    // Answers all that are held with this error: they will not be processed.
    void refuse_held(Batcher& batcher, ErrorCode code, std::string_view message, TimePoint now);

private:
    // What a request says.
    struct Decoded {
        std::optional<Refusal> refusal;
        DecodedBody body;
        std::optional<IdHash> id;  // unless a bundle: what the batcher expects
    };

    void decode(const Batcher& batcher, const Incoming& incoming, Decoded& decoded);
    void admit_one(Batcher& batcher, Incoming& incoming, const Decoded& decoded, TimePoint now);
    void admit_message(Batcher& batcher, Incoming& incoming, const Decoded& decoded, TimePoint now);
    void admit_bundle(Batcher& batcher, Incoming& incoming, const DecodedBody& body, TimePoint now);
    std::optional<Refusal> refusal_of(const DecodedMessage& message) const;
    void refuse(const Claim& claim, const Refusal& refusal);
    void answer(const Claim& claim, const Reply& reply);

    std::uint64_t most_bytes_;  // of a message
    bool answer_on_receipt_;
    const Sink& sink_;
    Gate& gate_;
    Metrics& metrics_;
    Send send_;
    RequestDecoder decoder_;
    std::vector<Decoded> decoded_;  // of a few requests, reused
};

}  // namespace blocky
