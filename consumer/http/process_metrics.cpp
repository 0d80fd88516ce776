// Reads /proc/self, as proc(5) describes it.
#include "consumer/http/process_metrics.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace blocky {
namespace {

// The fields of /proc/self/stat behind the name, which may hold anything: the third is the first.
std::vector<std::string> stat_fields() {
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    const auto end_of_name = line.rfind(')');
    if (end_of_name == std::string::npos) {
        return {};
    }
    std::istringstream rest(line.substr(end_of_name + 1));
    return {std::istream_iterator<std::string>(rest), {}};
}

// When the machine was started, in seconds since 1970.
double boot_time() {
    std::ifstream file("/proc/stat");
    std::string word;
    while (file >> word) {
        if (word == "btime") {
            double seconds = 0;
            file >> seconds;
            return seconds;
        }
    }
    return 0;
}

// Newer kernels say how many there are; with thousands of producers that is worth asking first.
std::uint64_t count_descriptors() {
    constexpr const char* kDirectory = "/proc/self/fd";
    struct stat status {};
    if (stat(kDirectory, &status) == 0 && status.st_size > 0) {
        return static_cast<std::uint64_t>(status.st_size);
    }
    std::error_code error;
    const auto begin = std::filesystem::directory_iterator(kDirectory, error);
    return error ? 0 : static_cast<std::uint64_t>(std::distance(begin, {}));
}

}  // namespace

std::optional<ProcessMetrics> read_process_metrics() {
    const auto fields = stat_fields();
    constexpr std::size_t kUserTime = 11;
    constexpr std::size_t kSystemTime = 12;
    constexpr std::size_t kStartTime = 19;
    constexpr std::size_t kResidentPages = 21;
    if (fields.size() <= kResidentPages) {
        return std::nullopt;
    }
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto number = [&fields](std::size_t field) { return std::stoull(fields.at(field)); };
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    static const auto kBootedAt = boot_time();
    return ProcessMetrics{
        kBootedAt + static_cast<double>(number(kStartTime)) / ticks,
        static_cast<double>(number(kUserTime) + number(kSystemTime)) / ticks,
        number(kResidentPages) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)),
        count_descriptors(), limit.rlim_cur};
}

}  // namespace blocky
