// The plain values that travel between the batcher, the worker and the sinks: a message, the batch
// it is closed into, and what became of both. No sockets, threads, files or clocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "common/clock.hpp"

namespace blocky {

// What a sink stores: who pushed, the idempotency key and the value as it was received. Knows
// nothing of who waits for a reply. Its three texts share one allocation.
class Message {
public:
    // `number` counts the accepted messages of this run from 1.
    Message(std::uint64_t number, std::string_view producer, std::string_view id,
            std::string_view value);

    std::uint64_t number() const { return number_; }
    std::string_view value() const { return view(producer_size_ + id_size_, std::string::npos); }
    std::string_view producer() const { return view(0, producer_size_); }   // empty: not given
    std::string_view id() const { return view(producer_size_, id_size_); }  // empty: not given

private:
    std::string_view view(std::size_t offset, std::size_t size) const {
        return std::string_view(text_).substr(offset, size);
    }

    std::uint64_t number_;
    std::uint32_t producer_size_;
    std::uint32_t id_size_;
    std::string text_;  // producer, id, value
};

// Why a batch was closed.
enum class Trigger { kTimer, kItems, kBytes, kDrain };
std::string_view to_string(Trigger trigger);

// Messages closed together, in order of arrival. Handed to the worker and back; nobody changes it.
struct Batch {
    std::uint64_t number = 0;  // 1, 2, 3 … within one run; empty batches count
    Trigger trigger = Trigger::kTimer;
    TimePoint closed_at;
    std::uint64_t bytes = 0;    // of the request bodies
    std::size_t producers = 0;  // connections with a message in it
    std::vector<Message> messages;
};

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
