// signalfd(2), read by a thread of its own.
#include "common/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <spdlog/spdlog.h>

namespace blocky {
namespace {

sigset_t stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    return signals;
}

int block_and_open(Hangup hangup) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    auto signals = stop_signals();
    if (hangup == Hangup::kTaken) {
        sigaddset(&signals, SIGHUP);
    }
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    const int descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor < 0) {
        throw std::system_error(errno, std::generic_category(), "signalfd");
    }
    return descriptor;
}

}  // namespace

SignalsBlocked::SignalsBlocked() {
    sigset_t signals;
    sigfillset(&signals);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) {
        sigdelset(&signals, fault);
    }
    pthread_sigmask(SIG_SETMASK, &signals, &before_);
}

SignalsBlocked::~SignalsBlocked() {
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

StopSignal::StopSignal(Hangup hangup, FirstStop first)
    : signal_descriptor_(block_and_open(hangup)),
      tells_(first == FirstStop::kTold),
      listener_([this] { listen(); }) {}

StopSignal::~StopSignal() {
    quit_event_.raise();
    listener_.join();
    // A signal that came too late for anybody must not strike when it is unblocked, nor SIGHUP in
    // the program's last moments: that one stays blocked.
    signalfd_siginfo late{};
    while (read(signal_descriptor_, &late, sizeof late) == sizeof late) {
    }
    close(signal_descriptor_);
    const auto signals = stop_signals();
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void StopSignal::listen() {
    std::array<pollfd, 2> items{{{signal_descriptor_, POLLIN, 0}, {quit_event_.get(), POLLIN, 0}}};
    while (true) {
        poll(items.data(), items.size(), -1);
        if (items[1].revents != 0) {
            return;
        }
        signalfd_siginfo signal{};
        if (read(signal_descriptor_, &signal, sizeof signal) != sizeof signal) {
            continue;
        }
        follow(static_cast<int>(signal.ssi_signo));
    }
}

void StopSignal::follow(int number) {
    if (number == SIGHUP) {
        // In this order the descriptor never stays readable for a flag that was taken. A second
        // SIGHUP in between may not wake anybody: it is found with whatever comes next.
        hangup_event_.raise();
        hung_up_ = true;
        return;
    }
    if (!tells_) {
        spdlog::info("stopped while it started");
        _exit(EXIT_SUCCESS);
    }
    if (requested_.exchange(true)) {
        _exit(128 + number);
    }
    stop_event_.raise();
}

bool StopSignal::take_hangup() {
    if (!hung_up_) {
        return false;
    }
    hangup_event_.lower();
    return hung_up_.exchange(false);
}

}  // namespace blocky
