// Draws over one line of the terminal.
#include "producer/progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <string>

#include <fmt/format.h>

namespace blocky {
namespace {

constexpr Duration kBetweenDraws = std::chrono::milliseconds(200);
constexpr const char* kClearLine = "\r\x1b[K";

}  // namespace

Progress::Progress(bool prints_replies)
    : shown_(isatty(STDERR_FILENO) == 1 && !(prints_replies && isatty(STDOUT_FILENO) == 1)),
      start_(Clock::now()),
      drawn_at_(start_) {}

Progress::~Progress() {
    if (drawn_) {
        draw(Clock::now());
        std::fputs("\n", stderr);
    }
}

void Progress::update(std::uint64_t acknowledged, std::optional<double> share_done) {
    acknowledged_ = acknowledged;
    share_done_ = share_done;
    if (!shown_) {
        return;
    }
    const auto now = Clock::now();
    if (now - drawn_at_ >= kBetweenDraws) {
        draw(now);
    }
}

void Progress::draw(TimePoint now) {
    const auto seconds = std::chrono::duration<double>(now - start_).count();
    std::string percentage;
    if (share_done_) {
        percentage = fmt::format(", {:.0f} %", *share_done_ * 100);
    }
    const auto line = fmt::format("{}{} acknowledged, {:.0f}/s{}", kClearLine, acknowledged_,
                                  static_cast<double>(acknowledged_) / seconds, percentage);
    std::fputs(line.c_str(), stderr);
    drawn_ = true;
    drawn_at_ = now;
}

}  // namespace blocky
