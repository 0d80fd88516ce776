// What the consumer counts while it runs. Plain values, touched by the router's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/durations.hpp"
#include "common/protocol.hpp"
#include "consumer/batch.hpp"

namespace blocky {

struct Metrics {
    std::uint64_t batches = 0;     // processed, the empty ones included
    std::uint64_t messages = 0;    // in them
    std::uint64_t duplicates = 0;  // answered as processed before, by the consumer or the sink
    std::array<std::uint64_t, kErrorCodes> errors{};  // replies, by ErrorCode
    std::uint64_t unanswerable = 0;                   // requests without a delimiter, dropped
    std::uint64_t undeliverable = 0;  // replies whose producer had gone or did not read
    Durations held;                   // of each message, from arrival to reply

    // A reply outside of any batch.
    void count(const Reply& reply);
    // A batch that is over, and what became of its messages.
    void count(const Batch& batch, const std::vector<Verdict>& verdicts);
};

// "61 batches, 600 messages, held 998 ms in the median and 1001 ms at worst", and whatever went
// other than well, if anything did.
std::string closing_summary(const Metrics& metrics, std::uint64_t log_lines_dropped);

}  // namespace blocky
