// A command that is kept running beside us and asked one line at a time. A thread of its own starts
// it (the kernel ends it with that thread), talks to it, reads its stderr whether it is asked or
// not, and notices when it ends. It is started again when it is asked next.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <tl/expected.hpp>

#include "common/clock.hpp"
#include "common/event_descriptor.hpp"
#include "consumer/sinks/child_log.hpp"
#include "consumer/sinks/child_process.hpp"

namespace blocky {

struct CommandLimits {
    Duration grace = std::chrono::seconds(2);  // after its stdin was closed, and after SIGTERM
    std::size_t longest_answer = 64U << 20U;   // bytes
};

// Used by one thread at a time.
class RunningCommand {
public:
    // Starts words[0]. Throws std::runtime_error, "cannot be run: …", when it cannot be.
    explicit RunningCommand(std::vector<std::string> words, CommandLimits limits = {});
    // Closes its stdin, and ends it when it has not ended after the grace: SIGTERM, then SIGKILL.
    ~RunningCommand();
    RunningCommand(const RunningCommand&) = delete;
    RunningCommand& operator=(const RunningCommand&) = delete;

    // Writes `line`, which has its newline, to its stdin and returns the one line that it writes to
    // its stdout then; a line that comes with it, or came when nobody asked, is an error, one that
    // comes too late for that is taken for the next answer. What goes wrong completes "the command
    // …"; it is not running any more then.
    tl::expected<std::string, std::string> ask(std::string_view line, Duration timeout);

    // Kills it: what it said made no sense.
    void kill();

private:
    using Answer = tl::expected<std::string, std::string>;

    // Has the thread do something, and waits for it. Throws what it throws.
    void call(const std::function<void()>& job);
    void close_down(const std::function<void()>& last_job);

    // All below in the thread only.
    void run();
    void do_job();
    void start();
    Answer exchange(std::string_view line, Duration timeout);
    bool attend(std::optional<TimePoint> until, int wake_up = -1);
    void write_some();
    bool read_answer();
    bool read_errors();
    void read_to_the_end();
    void read_last();
    void note_end();
    Answer take_answer();
    Answer give_up(std::string reason);
    void drop_in_idleness();
    void end_in_order();
    void await_end();

    const std::vector<std::string> words_;
    const CommandLimits limits_;
    EventDescriptor wake_up_;

    std::mutex mutex_;
    std::condition_variable done_;
    const std::function<void()>* job_ = nullptr;  // guarded by mutex_

    std::unique_ptr<ChildProcess> child_;
    std::optional<ChildLog> log_;
    std::string_view unwritten_;        // of the line
    std::string received_;              // from its stdout, without white space before it
    std::size_t newline_;               // where in it, or npos
    std::optional<std::string> ended_;  // why nothing more is to be expected of the child
    TimePoint silent_until_;            // about what happens while nobody asks
    bool leaving_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace blocky
