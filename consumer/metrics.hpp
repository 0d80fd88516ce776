// What the consumer counts while it runs. Plain values, touched by the router's thread only; others
// read copies of them (Snapshot).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/durations.hpp"
#include "common/protocol.hpp"
#include "consumer/batch.hpp"
#include "consumer/histogram.hpp"

namespace blocky {

inline constexpr std::uint64_t kMicrosecond = 1'000;  // in nanoseconds, as the others
inline constexpr std::uint64_t kMillisecond = 1'000'000;
inline constexpr std::uint64_t kSecond = 1'000'000'000;

// From group commit on a fast disk to batches of a minute.
inline constexpr std::array kDurationBounds{100 * kMicrosecond,
                                            250 * kMicrosecond,
                                            500 * kMicrosecond,
                                            kMillisecond,
                                            5 * kMillisecond / 2,
                                            5 * kMillisecond,
                                            10 * kMillisecond,
                                            25 * kMillisecond,
                                            50 * kMillisecond,
                                            100 * kMillisecond,
                                            250 * kMillisecond,
                                            500 * kMillisecond,
                                            kSecond,
                                            5 * kSecond / 2,
                                            5 * kSecond,
                                            10 * kSecond,
                                            30 * kSecond,
                                            60 * kSecond};
inline constexpr std::array kLatenessBounds{10 * kMicrosecond,
                                            25 * kMicrosecond,
                                            50 * kMicrosecond,
                                            100 * kMicrosecond,
                                            250 * kMicrosecond,
                                            500 * kMicrosecond,
                                            kMillisecond,
                                            5 * kMillisecond / 2,
                                            5 * kMillisecond,
                                            10 * kMillisecond,
                                            25 * kMillisecond,
                                            100 * kMillisecond,
                                            kSecond};
inline constexpr std::array<std::uint64_t, 16> kSizeBounds{
    0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000, 50'000, 100'000};

// Whether a batch's verdicts are replies, too: not with --reply immediate.
enum class Replied { kYes, kNo };

struct Metrics {
    std::uint64_t batches = 0;  // processed, the empty ones included
    std::array<std::uint64_t, kTriggers> batches_by_trigger{};  // the same, by Trigger
    std::uint64_t batches_failed = 0;                           // with a message that has failed
    std::uint64_t messages = 0;                                 // in them
    std::array<std::uint64_t, kVerdictKinds> messages_by_verdict{};  // the same, by Verdict::Kind
    std::uint64_t replies_ok = 0;  // replies, duplicates not included
    std::uint64_t duplicates = 0;  // answered as processed before, by the consumer or the sink
    std::array<std::uint64_t, kErrorCodes> errors{};  // replies, by ErrorCode
    std::uint64_t unanswerable = 0;                   // requests without a delimiter, dropped
    std::uint64_t undeliverable = 0;      // replies whose producer had gone or did not read
    std::uint64_t handshakes_failed = 0;  // connections that ZeroMQ refused: no peer of ours
    std::uint64_t accepts_failed = 0;     // connections that the system could not give us
    Durations held;                       // of each message, from arrival to reply
    Histogram<kDurationBounds.size()> hold{kDurationBounds};            // the same, in buckets
    Histogram<kDurationBounds.size()> processing{kDurationBounds};      // of each non-empty batch
    Histogram<kLatenessBounds.size()> timer_lateness{kLatenessBounds};  // of each that it closed
    Histogram<kSizeBounds.size()> batch_size{kSizeBounds};              // messages of each batch

    // A reply outside of any batch.
    void count(const Reply& reply);
    // A batch that is over, what became of its messages, and how long that took.
    void count(const Batch& batch, const std::vector<Verdict>& verdicts, Duration took,
               Replied replied = Replied::kYes);
    // A message was held for so long.
    void count_hold(Duration held_for);
};

// "61 batches, 600 messages, held 998 ms in the median and 1001 ms at worst", and whatever went
// other than well, if anything did.
std::string closing_summary(const Metrics& metrics, std::uint64_t log_lines_dropped);

}  // namespace blocky
