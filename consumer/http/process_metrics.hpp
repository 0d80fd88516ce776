// What the system knows of this process, under the names that Prometheus' clients give it.
#pragma once

#include <cstdint>
#include <optional>

namespace blocky {

struct ProcessMetrics {
    double start_time_seconds = 0;  // since 1970
    double cpu_seconds = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_descriptors = 0;
    std::uint64_t most_descriptors = 0;
};

// Nothing when /proc is not there.
std::optional<ProcessMetrics> read_process_metrics();

}  // namespace blocky
