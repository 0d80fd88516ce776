// Asking the program to stop. The first SIGINT or SIGTERM makes a descriptor readable, for good;
// a second one ends the process at once with 128+signal, even if the program hangs: a thread of
// their own waits for signals, and all others have them blocked, so that no system call of ours or
// of ZeroMQ's is ever interrupted.
#pragma once

#include <atomic>
#include <thread>

namespace blocky {

class StopSignal {
public:
    // Blocks the signals in this thread and all that it starts from now on, and ignores SIGPIPE.
    // Once per process, before any other thread and the ZeroMQ context. Throws std::system_error.
    StopSignal();
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    // Readable from the first signal on; for poll, never to be read.
    int descriptor() const { return requested_descriptor_; }
    bool requested() const { return requested_; }

private:
    void listen();

    int signal_descriptor_;     // signalfd
    int requested_descriptor_;  // eventfd
    int quit_descriptor_;       // eventfd
    std::atomic<bool> requested_{false};
    std::thread listener_;
};

}  // namespace blocky
