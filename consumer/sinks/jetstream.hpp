// What the sink nats needs of a stream of NATS JetStream. One implementation talks to servers
// (jetstream_connection.cpp), the other is a test's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <tl/expected.hpp>

#include "common/clock.hpp"

namespace blocky {

// A message as it is published: the value is its data, all else its headers.
struct Publication {
    std::string id;             // Nats-Msg-Id
    std::string_view producer;  // Blocky-Producer; empty: without it
    std::string_view value;
    std::uint64_t batch = 0;  // Blocky-Batch
    std::string received_at;  // Blocky-Received-At
};

// What the servers say of one publication.
struct PubAck {
    enum class Kind {
        kStored,     // a majority of the stream's replicas has it, as `sequence`; not yet synced
        kDuplicate,  // its id was there already, as `sequence`
        kRefused,    // never to be stored: `reason` says why
        kUnanswered  // may be stored or not: `reason` says why that is not known
    };
    Kind kind = Kind::kUnanswered;
    std::uint64_t sequence = 0;
    std::string reason;
};

// The ids in a part of the stream, and where that part ended.
struct ReadBack {
    std::unordered_set<std::string> ids;
    std::uint64_t last_sequence = 0;
    bool at_end = false;  // there was nothing behind it
};

struct StreamTraits {
    std::string name;
    Duration duplicate_window{0};
    std::uint64_t last_sequence = 0;
    std::uint64_t most_bytes = 0;  // of a message, its headers included
};

class JetStream {
public:
    JetStream() = default;
    virtual ~JetStream() = default;
    JetStream(const JetStream&) = delete;
    JetStream& operator=(const JetStream&) = delete;

    // As found when it was opened. From any thread; all else from one thread at a time.
    virtual const StreamTraits& traits() const = 0;

    // Why nothing can be published at the moment; nothing: it can be tried.
    virtual std::optional<std::string> trouble() = 0;

    // Publishes all and waits for all to be answered, a bounded time. One PubAck for each, in
    // order; after a failure that the others would share, the rest is kUnanswered without a try.
    virtual std::vector<PubAck> publish(const std::vector<Publication>& publications) = 0;

    // What stands behind that sequence, or the first part of it, so that one call does not take
    // long; why it cannot be read.
    virtual tl::expected<ReadBack, std::string> read_back(std::uint64_t after_sequence) = 0;
};

}  // namespace blocky
