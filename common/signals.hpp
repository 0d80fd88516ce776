// Asking the program to stop. The first SIGINT or SIGTERM makes a descriptor readable, for good;
// a second one ends the process at once with 128+signal, even if the program hangs: a thread of
// their own waits for signals, and all others have them blocked, so that no system call of ours or
// of ZeroMQ's is ever interrupted. SIGHUP, for a program that wants it, comes the same way.
// While a program starts, which may take as long as servers do, the first signal can end it.
#pragma once

#include <atomic>
#include <csignal>
#include <thread>

#include "common/event_descriptor.hpp"

namespace blocky {

// What SIGHUP does.
enum class Hangup {
    kLeft,  // what it did before: by default it ends the program
    kTaken  // nothing but what take_hangup() tells, from now on and for good
};

// What the first SIGINT or SIGTERM does.
enum class FirstStop {
    kTold,   // requested()
    kAtOnce  // ends the process with 0, as nothing would be left undone, until tell() is called
};

// Blocks all signals in this thread while it lives, but for those that a fault of the thread itself
// raises. A thread that is started meanwhile inherits that for good: signals find the one that
// waits for them, and no call of the new thread's is ever interrupted.
class SignalsBlocked {
public:
    SignalsBlocked();
    ~SignalsBlocked();
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

class StopSignal {
public:
    // Blocks the signals in this thread and all that it starts from now on, and ignores SIGPIPE and
    // SIGXFSZ, which are errors of a write. Once per process, before any other thread and the
    // ZeroMQ context. Throws std::system_error.
    explicit StopSignal(Hangup hangup = Hangup::kLeft, FirstStop first = FirstStop::kTold);
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    // From now on FirstStop::kTold.
    void tell() { tells_ = true; }

    // Readable from the first signal on; for poll, never to be read.
    int descriptor() const { return stop_event_.get(); }
    bool requested() const { return requested_; }

    // Readable from SIGHUP on until it is taken; for poll, never to be read.
    int hangup_descriptor() const { return hangup_event_.get(); }
    // Whether SIGHUP has come since the last call. For one thread.
    bool take_hangup();

private:
    void listen();
    void follow(int number);

    int signal_descriptor_;  // signalfd
    EventDescriptor hangup_event_;
    EventDescriptor stop_event_;
    EventDescriptor quit_event_;
    std::atomic<bool> tells_;
    std::atomic<bool> requested_{false};
    std::atomic<bool> hung_up_{false};
    std::thread listener_;
};

}  // namespace blocky
