// Messages that are gone are marked, and left out when the batch goes to the sink.
#include "consumer/held_batch.hpp"

#include <algorithm>
#include <utility>

namespace blocky {
namespace {

// So little is not worth the move of what stays.
constexpr std::size_t kGoneAtMost = 1024;
constexpr std::size_t kGoneBytesAtMost = 4096;

}  // namespace

std::optional<std::size_t> HeldBatch::find(std::uint64_t number) const {
    const auto& messages = batch->messages;
    const auto found = std::ranges::lower_bound(messages, number, {}, &Message::number);
    if (found == messages.end() || found->number != number) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - messages.begin());
}

void HeldBatch::drop_gone() {
    if (gone == 0) {
        return;
    }
    // The texts move to a new store: what is gone must not keep its memory.
    const auto messages = std::exchange(batch->messages, {});
    const auto texts = std::exchange(batch->texts, {});
    std::vector<Waiter> kept_waiters;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (!waiters[i].gone) {
            batch->add(messages[i].number, messages[i].producer, messages[i].id, messages[i].value,
                       messages[i].received_at);
            kept_waiters.push_back(std::move(waiters[i]));
        }
    }
    waiters = std::move(kept_waiters);
    gone = 0;
    gone_bytes = 0;
}

void HeldBatch::drop_gone_if_worth_it() {
    if (empty() || (gone > kGoneAtMost && gone > size()) ||
        gone_bytes > batch->bytes + kGoneBytesAtMost) {
        drop_gone();
    }
}

}  // namespace blocky
