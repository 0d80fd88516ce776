// A batch and who is held for each of its messages, in the same order: what the batcher keeps from
// a message's admission to its verdict. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/clock.hpp"
#include "common/protocol.hpp"
#include "consumer/batch.hpp"
#include "consumer/bundle.hpp"
#include "consumer/id_table.hpp"
#include "consumer/roster.hpp"

namespace blocky {

// Who is held for a message.
struct Waiter {
    Claim claim;
    TimePoint arrival;
    std::optional<IdHash> id;
    Roster::Holder holder = nullptr;  // whom it counts for, until it is released
    std::size_t bytes = 0;            // that it counts for in --max-held-bytes
    std::size_t message_bytes = 0;    // of them, those that count in --max-bytes
    bool gone = false;  // its message has expired, and leaves the batch before the sink sees it
};

// A place in another bundle that waits for the same message.
struct Share {
    std::size_t index = 0;  // of the message in its batch
    Claim claim;
    bool duplicate = false;  // it came twice in one bundle
};

// Who is to be answered outside of any batch, for the message with this id.
struct Released {
    Claim claim;
    std::string id;
};

struct HeldBatch {
    std::shared_ptr<Batch> batch = std::make_shared<Batch>();  // shared once it is in flight
    std::vector<Waiter> waiters;
    std::vector<Share> shares;   // only once it is over
    std::uint64_t first = 0;     // the number of its first message, once it is closed
    std::size_t gone = 0;        // of the waiters
    std::size_t gone_bytes = 0;  // of their messages

    std::size_t size() const { return waiters.size() - gone; }
    bool empty() const { return size() == 0; }

    void reserve(std::size_t messages) {
        batch->messages.reserve(messages);
        waiters.reserve(messages);
    }

    // The index of message `number`, if it is in here; numbers rise from message to message.
    std::optional<std::size_t> find(std::uint64_t number) const;

    // Makes sure that nothing of what is gone is left.
    void drop_gone();
    // The same, if that is the greater part: so what is gone takes no more room than what is not.
    void drop_gone_if_worth_it();
};

}  // namespace blocky
