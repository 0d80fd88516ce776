// Sets spdlog up to write through an output that does not wait for its reader.
#include "common/logging.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string_view>

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "common/line_output.hpp"

namespace blocky {
namespace {

// stderr for all threads. A terminal that is stopped, or a pipe that nobody reads, must not stop
// the program: such a reader is waited for once and for a moment, then its lines are dropped.
class StderrOutput {
public:
    void write(std::string_view line) {
        const std::lock_guard lock(mutex_);
        clear_status();
        bool written = output_.write(line);
        if (!written && !stuck_) {
            pollfd room{STDERR_FILENO, POLLOUT, 0};
            poll(&room, 1, kPatienceMs);
            written = output_.write(line);
        }
        stuck_ = !written;
    }

    void show_status(std::string_view text) {
        const std::lock_guard lock(mutex_);
        clear_status();
        status_shown_ = !text.empty() && output_.write_part(text);
    }

private:
    static constexpr int kPatienceMs = 50;
    static constexpr std::string_view kClearLine = "\r\x1b[K";

    void clear_status() { status_shown_ = status_shown_ && !output_.write_part(kClearLine); }

    std::mutex mutex_;
    LineOutput output_{STDERR_FILENO};
    bool stuck_ = false;
    bool status_shown_ = false;
};

StderrOutput& stderr_output() {
    static StderrOutput output;
    return output;
}

class StderrSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t text;
        formatter_->format(message, text);
        const std::string_view line(text.data(), text.size());
        stderr_output().write(line.substr(0, line.find_last_not_of('\n') + 1));
    }
    void flush_() override {}
};

}  // namespace

void set_up_logging(const std::string& program) {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
        if (fcntl(descriptor, F_GETFD) < 0) {
            // The lowest free number is the one that is closed. Writing to a stdout that was closed
            // must go on to fail, so that it is noticed: hence read-only.
            open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
    auto logger = std::make_shared<spdlog::logger>(program, std::make_shared<StderrSink>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n: %v", spdlog::pattern_time_type::utc);
    spdlog::set_default_logger(logger);
}

void print_to_stderr(const std::string& line) {
    stderr_output().write(line);
}

void show_status(const std::string& text) {
    stderr_output().show_status(text);
}

}  // namespace blocky
