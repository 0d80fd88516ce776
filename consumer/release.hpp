// From verdicts to the replies that tell the producers. Pure, but for the `Send` it is given.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/protocol.hpp"
#include "consumer/batch.hpp"
#include "consumer/bundle.hpp"
#include "consumer/held_batch.hpp"

namespace blocky {

// The reply for message `index` of a processed batch; its views point into the batch and verdict.
Reply reply_to(const Batch& batch, std::size_t index, const Verdict& verdict);

// The reply for a bundle of which every message is processed: {"status":"mixed","replies":[…]}.
std::string mixed_reply(const Bundle& bundle);

// The reply for a bundle whose messages all went well, in this batch and with this result.
std::string uniform_reply(std::size_t count, const Batch& batch, std::string_view result);

// Whether a reply is the same, to the byte, as others: then they can share one copy.
enum class Sharing {
    kNone,   // as far as is known
    kFirst,  // the next one may be the same
    kAgain   // the same as the one before it
};

// Writes the replies of one batch: what they have in common is written once.
class ReplyWriter {
public:
    explicit ReplyWriter(const Batch& batch) : batch_(batch) {}

    // The reply for message `index`; valid until the next call.
    std::string_view write(std::size_t index, const Verdict& verdict);
    // Of the latest reply.
    Sharing sharing() const { return sharing_; }

private:
    const Batch& batch_;
    std::string text_;
    std::string tail_;                     // of a stored message's reply, from its result on
    const std::string* result_ = nullptr;  // that tail_ is of
    Sharing sharing_ = Sharing::kNone;
};

// Counts for each bundle in the batch how its messages fared, before any of them is answered.
void tally(HeldBatch& held, const std::vector<Verdict>& verdicts);

// Answers whoever is held, in order of arrival: calls send(envelope, body, sharing) for each reply
// that is due.
template <typename Send>
void release(HeldBatch& held, const std::vector<Verdict>& verdicts, Send send) {
    tally(held, verdicts);
    const auto& batch = *held.batch;
    ReplyWriter writer(batch);
    const auto settle = [&](const Claim& claim, std::size_t index, bool duplicate) {
        auto& bundle = *claim.bundle;
        if (bundle.tally.alike && bundle.tally.verdicts == bundle.size) {
            if (--bundle.open == 0) {
                send(bundle.envelope, uniform_reply(bundle.size, batch, verdicts[index].detail),
                     Sharing::kNone);
            }
            return;
        }
        auto reply = reply_to(batch, index, verdicts[index]);
        reply.duplicate = reply.duplicate || (duplicate && reply.ok);
        bundle.settle(claim.place, encode(reply));
        if (bundle.done()) {
            send(bundle.envelope, mixed_reply(bundle), Sharing::kNone);
        }
    };
    for (std::size_t i = 0; i < held.waiters.size(); ++i) {
        const auto& claim = held.waiters[i].claim;
        if (claim.bundle) {
            settle(claim, i, false);
        } else {
            const auto body = writer.write(i, verdicts[i]);
            send(claim.envelope, body, writer.sharing());
        }
    }
    for (const auto& share : held.shares) {
        settle(share.claim, share.index, share.duplicate);
    }
}

}  // namespace blocky
