// How a run is going, on stderr: on a terminal one line that is drawn over, else a line every five
// seconds; and a summary when it is over. A thread of its own says it, so that it is said whatever
// the run waits for: a reply, a line of input, its turn, a reader of its replies.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "producer/tally.hpp"

namespace blocky {

enum class ProgressMode { kAuto, kNever };

class Progress {
public:
    // `prints_replies`: they go to stdout, which may be the same terminal; then only a wait is
    // worth a line beside them. kNever: says nothing, has no thread, and costs nothing.
    Progress(ProgressMode mode, bool prints_replies, Tally tally);
    // Says nothing more; the summary neither.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // For one thread, about each message: see Tally.
    void pushed(std::uint64_t number);
    void settled(const PushResult& result, std::optional<double> input_taken);
    void skipped();

    // The run is over: the summary takes the place of the progress.
    void finish();

private:
    enum class Style { kSilent, kRedrawn, kLines, kWaitsOnly };
    static Style style(ProgressMode mode, bool prints_replies);

    void report_until(const std::stop_token& stop);
    void report(std::unique_lock<std::mutex>& lock);
    void end_thread();

    const Style style_;
    std::mutex mutex_;
    std::condition_variable_any stopped_;
    Tally tally_;  // under mutex_
    std::jthread reporter_;
};

}  // namespace blocky
