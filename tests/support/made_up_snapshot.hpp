// A consumer that never was, as its snapshot would show it: what HTTP answers is tested with that.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "consumer/snapshot.hpp"

namespace blocky::test {

inline std::shared_ptr<const BatchEvent> made_up_batch(std::uint64_t number) {
    return std::make_shared<const BatchEvent>(BatchEvent{
        number,
        fmt::format(R"({{"batch":{},"summary":{{"sum":123456789012345678901}}}})", number)});
}

inline RunInfo made_up_run() {
    RunInfo info;
    info.run = "0123456789abcdef";
    info.sink = "sum";
    info.endpoints = {"tcp://127.0.0.1:5555"};
    info.started_at = WallTime(std::chrono::seconds(1'000'000'000));
    info.timer = "interval";
    info.timer_period = std::chrono::seconds(1);
    info.max_items = 10'000;
    info.max_held = 100'000;
    return info;
}

// The last batch has the number `batches`; the producers are called p0, p1 …
inline Snapshot made_up_snapshot(std::uint64_t batches = 2, std::size_t producers = 0) {
    Snapshot snapshot;
    snapshot.info = std::make_shared<const RunInfo>(made_up_run());
    snapshot.taken_at = Clock::now();
    snapshot.metrics.batches = batches;
    const auto first = batches > kBatchesRemembered ? batches - kBatchesRemembered : 0;
    for (auto number = first + 1; number <= batches; ++number) {
        snapshot.batches.push_back(made_up_batch(number));
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < producers; ++i) {
        names.push_back(fmt::format("p{}", i));
    }
    snapshot.producers.names = std::make_shared<const std::vector<std::string>>(std::move(names));
    snapshot.producers.live = producers;
    snapshot.producers.marks.assign(producers, '-');
    snapshot.producers.version = 1;
    return snapshot;
}

inline std::shared_ptr<const Snapshot> shared(Snapshot snapshot) {
    return std::make_shared<const Snapshot>(std::move(snapshot));
}

}  // namespace blocky::test
