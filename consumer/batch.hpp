// The plain values that travel between the batcher, the worker and the sinks: a message, the batch
// it is closed into, and what became of both. No sockets, threads, files or clocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "common/clock.hpp"

namespace blocky {

// What a sink stores: who pushed, the idempotency key and the value as it was received. Knows
// nothing of who waits for a reply. The texts are kept by the batch that it was added to.
struct Message {
    std::uint64_t number = 0;   // counts the accepted messages of this run from 1
    std::string_view producer;  // empty: not given
    std::string_view id;        // empty: not given
    std::string_view value;     // JSON
    TimePoint received_at;
};

// Keeps texts at fixed places until it goes: one allocation for thousands of small messages.
class TextStore {
public:
    std::string_view keep(std::string_view text);

private:
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::span<char> free_;  // of the block in use
};

// Why a batch was closed.
enum class Trigger { kTimer, kItems, kBytes, kBarrier, kDrain };
inline constexpr std::size_t kTriggers = 5;
std::string_view to_string(Trigger trigger);

// Who could have been in a batch that closes when all are in, and was not (--barrier).
struct Attendance {
    std::size_t live = 0;                  // producers, when the batch closed
    std::size_t missing = 0;               // of them, or of as many as must be in
    std::vector<std::string> waiting_for;  // names of the missing, ten at most
};

// Messages closed together, in order of arrival. Handed to the worker and back; nobody changes it.
struct Batch {
    std::uint64_t number = 0;  // 1, 2, 3 … within one run; empty batches count
    Trigger trigger = Trigger::kTimer;
    TimePoint closed_at;
    std::optional<Duration>
        lateness;               // of the timer, if that closed it; not while the sink was busy
    std::uint64_t bytes = 0;    // of the request bodies
    std::size_t producers = 0;  // connections with a message in it
    std::vector<Message> messages;
    std::optional<Attendance> attendance;  // with --barrier, when the timer closed it
    TextStore texts;                       // of the messages

    // Adds a message and keeps its texts.
    void add(std::uint64_t message, std::string_view producer, std::string_view id,
             std::string_view value, TimePoint received_at = {}) {
        messages.push_back(
            {message, texts.keep(producer), texts.keep(id), texts.keep(value), received_at});
    }
};

inline constexpr std::size_t kVerdictKinds = 4;

// What became of one message.
struct Verdict {
    enum class Kind {
        kStored,
        kDuplicate,  // the sink already had it, from an earlier run
        kRejected,   // the sink never takes this one; the others went through
        kFailed      // not known to be processed
    };
    Kind kind = Kind::kStored;
    std::string detail;  // stored: the sink's answer as JSON, or empty; rejected, failed: why

    bool processed() const { return kind == Kind::kStored || kind == Kind::kDuplicate; }
};

// Why a whole batch was not processed; nothing of it may be taken as processed.
struct SinkFailure {
    // Transient: the same batch may succeed later. Permanent: it never will as it is.
    enum class Kind { kTransient, kPermanent };
    Kind kind = Kind::kTransient;
    std::string reason;  // one sentence that names what was tried
};

// One verdict per message, in the order of the batch, or one failure for all.
using BatchResult = tl::expected<std::vector<Verdict>, SinkFailure>;

}  // namespace blocky
