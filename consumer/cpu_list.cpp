// Ranges to numbers, numbers to a mask.
#include "consumer/cpu_list.hpp"

#include <sched.h>

#include <cerrno>
#include <charconv>
#include <system_error>

namespace blocky {
namespace {

constexpr unsigned kMostCpus = CPU_SETSIZE;

std::optional<unsigned> parse_cpu(std::string_view text) {
    unsigned cpu = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, cpu);
    return error == std::errc{} && stop == end && cpu < kMostCpus ? std::optional(cpu)
                                                                  : std::nullopt;
}

}  // namespace

std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text) {
    std::vector<unsigned> cpus;
    while (true) {
        const auto comma = text.find(',');
        const auto range = text.substr(0, comma);
        const auto dash = range.find('-');
        const auto first = parse_cpu(range.substr(0, dash));
        const auto last =
            dash == std::string_view::npos ? first : parse_cpu(range.substr(dash + 1));
        if (!first || !last || *last < *first) {
            return std::nullopt;
        }
        for (auto cpu = *first; cpu <= *last; ++cpu) {
            cpus.push_back(cpu);
        }
        if (comma == std::string_view::npos) {
            return cpus;
        }
        text.remove_prefix(comma + 1);
    }
}

void run_on(const std::vector<unsigned>& cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const auto cpu : cpus) {
        CPU_SET(cpu, &set);
    }
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        throw std::system_error(errno, std::generic_category(), "sched_setaffinity");
    }
}

}  // namespace blocky
