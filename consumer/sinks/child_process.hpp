// A program that runs as a child of ours with pipes for its stdin, stdout and stderr. It has a
// process group of its own, so that a terminal's ^C is not for it and that it can be ended with all
// it started; and it dies with us, however we die. What it has started does not if we are killed:
// the kernel's signal is for our child alone.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace blocky {

// Our end of a pipe.
class PipeEnd {
public:
    explicit PipeEnd(int descriptor = -1) : descriptor_(descriptor) {}
    ~PipeEnd() { close(); }
    PipeEnd(const PipeEnd&) = delete;
    PipeEnd& operator=(const PipeEnd&) = delete;
    PipeEnd(PipeEnd&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    PipeEnd& operator=(PipeEnd&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }

    int get() const { return descriptor_; }  // -1: closed
    void close();

private:
    int descriptor_;
};

// Used by one thread, which must live as long as the child does: the kernel kills the child when
// the thread that started it ends (PR_SET_PDEATHSIG).
class ChildProcess {
public:
    // Runs words[0], sought in PATH, with default signal dispositions, no signal blocked, and no
    // descriptor of ours but the three pipes. All signals should be blocked in this thread. Throws
    // std::system_error when it cannot be run, with the errno of what failed.
    explicit ChildProcess(std::vector<std::string> words);
    // Kills it and its group, as reap() does.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    pid_t id() const { return id_; }

    // Non-blocking on our side; close() one when there is no more to say or hear.
    PipeEnd input;   // its stdin
    PipeEnd output;  // its stdout
    PipeEnd errors;  // its stderr

    // Readable once it has ended; for poll, never to be read.
    int exit_descriptor() const { return exit_.get(); }

    // Sends a signal to all of its group.
    void send_signal(int number) const;

    // Kills what is left of its group and says how the child ended: "exit status 1". Waits at most
    // two seconds for a child that has not ended yet. Only the first call does anything.
    std::string reap();
    bool reaped() const { return reaped_; }

private:
    pid_t id_ = -1;
    bool reaped_ = false;
    PipeEnd exit_;  // pidfd
};

}  // namespace blocky
