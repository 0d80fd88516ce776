// The thread that reports, and the terminal it may report to.
#include "producer/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/logging.hpp"

namespace blocky {
namespace {

constexpr Duration kBetweenDraws = std::chrono::milliseconds(200);
constexpr Duration kBetweenLines = std::chrono::seconds(5);

// In columns. A terminal that does not know is taken for a usual one.
std::size_t terminal_width() {
    winsize size{};
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
}

// Of a job in the background the terminal is not: others write on its last line.
bool in_background() {
    const auto foreground = tcgetpgrp(STDERR_FILENO);
    return foreground >= 0 && foreground != getpgrp();
}

// One column short of the width: the cursor must stay on the line.
void draw(const std::string& text) {
    if (!in_background()) {
        show_status(text.substr(0, terminal_width() - 1));
    }
}

}  // namespace

Progress::Progress(ProgressMode mode, bool prints_replies, Tally tally)
    : style_(style(mode, prints_replies)), tally_(std::move(tally)) {
    if (style_ != Style::kSilent) {
        reporter_ = std::jthread([this](const std::stop_token& stop) { report_until(stop); });
    }
}

Progress::~Progress() {
    end_thread();
}

Progress::Style Progress::style(ProgressMode mode, bool prints_replies) {
    if (mode == ProgressMode::kNever) {
        return Style::kSilent;
    }
    if (isatty(STDERR_FILENO) == 0) {
        return Style::kLines;
    }
    return prints_replies && isatty(STDOUT_FILENO) == 1 ? Style::kWaitsOnly : Style::kRedrawn;
}

void Progress::pushed(std::uint64_t number) {
    if (style_ != Style::kSilent) {
        const std::lock_guard lock(mutex_);
        tally_.pushed(number, tally_.in_flight() == 0 ? Clock::now() : TimePoint());
    }
}

void Progress::settled(const PushResult& result, std::optional<double> input_taken) {
    if (style_ != Style::kSilent) {
        const auto now = result ? result->at : Clock::now();
        const std::lock_guard lock(mutex_);
        tally_.settled(result, now, input_taken);
    }
}

void Progress::skipped() {
    const std::lock_guard lock(mutex_);
    tally_.skipped();
}

void Progress::finish() {
    if (style_ != Style::kSilent) {
        end_thread();
        print_to_stderr("blocky-producer: " + tally_.summary(Clock::now()));
    }
}

void Progress::report_until(const std::stop_token& stop) {
    const auto period = style_ == Style::kRedrawn ? kBetweenDraws : kBetweenLines;
    auto due = Clock::now() + period;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (stopped_.wait_until(lock, stop, due, [] { return false; }); stop.stop_requested()) {
            return;
        }
        report(lock);
        due = std::max(due + period, Clock::now());
    }
}

// Writes without the lock: a slow terminal must not hold the run up.
void Progress::report(std::unique_lock<std::mutex>& lock) {
    const auto now = Clock::now();
    const bool wanted = style_ != Style::kWaitsOnly || tally_.waits(now);
    const auto text = tally_.progress(now);
    lock.unlock();
    if (style_ == Style::kRedrawn) {
        draw(text);
    } else if (wanted) {
        spdlog::info("{}", text);
    }
    lock.lock();
}

void Progress::end_thread() {
    if (reporter_.joinable()) {
        reporter_.request_stop();
        reporter_.join();
        show_status("");
    }
}

}  // namespace blocky
