// A request with several messages: one envelope, and one reply, which goes out when the last of
// the messages has its verdict. Its members are shared between the batcher, which holds them, and
// nobody else. Pure; touched by the router's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "consumer/batch.hpp"
#include "consumer/envelope.hpp"

namespace blocky {

struct Bundle {
    Envelope envelope;
    std::size_t size = 0;              // messages
    std::size_t open = 0;              // of them, without a verdict
    std::vector<std::string> replies;  // of each message, by place; empty while none is written

    // How the messages fared that are in one batch: a bundle that went well as a whole, in one
    // batch and with one result, has a short reply.
    struct Tally {
        std::uint64_t batch = 0;  // its number
        std::size_t verdicts = 0;
        const Verdict* first = nullptr;
        bool alike = true;
    };
    Tally tally;

    // The message at `place` has its verdict, and this is its own reply.
    void settle(std::size_t place, std::string reply) {
        replies.resize(size);
        replies[place] = std::move(reply);
        --open;
    }
    bool done() const { return open == 0; }

    // The memory that the replies take which are written already.
    std::size_t kept_bytes() const {
        std::size_t bytes = replies.size() * sizeof(std::string);
        for (const auto& reply : replies) {
            bytes += reply.capacity();
        }
        return bytes;
    }
};

// Who is to be answered for a message: whoever sent it alone, or a place in a bundle.
struct Claim {
    Envelope envelope;               // empty in a bundle
    std::shared_ptr<Bundle> bundle;  // null: it was sent alone
    std::uint32_t place = 0;         // in the bundle

    std::string_view connection() const {
        return bundle ? bundle->envelope.connection() : envelope.connection();
    }
};

}  // namespace blocky
