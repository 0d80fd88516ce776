// What the options say of the sink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.hpp"

namespace blocky {

// A stream to be made if it is not there (--nats-create).
struct NatsStream {
    std::string name;
    int replicas = 1;
};

struct SinkOptions {
    std::string spec = "sum";        // NAME or NAME:TARGET
    std::string run;                 // names this run in what is stored
    std::string table = "messages";  // sqlite, postgres
    std::optional<NatsStream> nats_create;
    Duration exec_timeout = std::chrono::seconds(30);  // for a batch's answer
    std::uint64_t dedup_window = 1'000'000;            // ids that jsonl knows again
};

}  // namespace blocky
