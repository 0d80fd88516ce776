// Sets spdlog up.
#include "common/logging.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace blocky {

void set_up_logging(const std::string& program) {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
        if (fcntl(descriptor, F_GETFD) < 0) {
            // The lowest free number is the one that is closed. Writing to a stdout that was closed
            // must go on to fail, so that it is noticed: hence read-only.
            open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
    auto logger = spdlog::stderr_logger_mt(program);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n: %v", spdlog::pattern_time_type::utc);
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(logger);
}

void print_to_stderr(const std::string& line) {
    std::fputs((line + "\n").c_str(), stderr);
}

}  // namespace blocky
