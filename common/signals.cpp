// signalfd(2), read by a thread of its own.
#include "common/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <system_error>

#include <spdlog/spdlog.h>

namespace blocky {
namespace {

int checked(int descriptor, const char* call) {
    if (descriptor < 0) {
        throw std::system_error(errno, std::generic_category(), call);
    }
    return descriptor;
}

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
    return checked(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
}

void raise_flag(int event_descriptor) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(event_descriptor, &one, sizeof one);
}

}  // namespace

StopSignal::StopSignal(Hangup hangup, FirstStop first)
    : signal_descriptor_(block_and_open(hangup)),
      hangup_descriptor_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      requested_descriptor_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      quit_descriptor_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      tells_(first == FirstStop::kTold),
      listener_([this] { listen(); }) {}

StopSignal::~StopSignal() {
    raise_flag(quit_descriptor_);
    listener_.join();
    // A signal that came too late for anybody must not strike when it is unblocked, nor SIGHUP in
    // the program's last moments: that one stays blocked.
    signalfd_siginfo late{};
    while (read(signal_descriptor_, &late, sizeof late) == sizeof late) {
    }
    for (const int descriptor :
         {signal_descriptor_, hangup_descriptor_, requested_descriptor_, quit_descriptor_}) {
        close(descriptor);
    }
    const auto signals = stop_signals();
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void StopSignal::listen() {
    std::array<pollfd, 2> items{{{signal_descriptor_, POLLIN, 0}, {quit_descriptor_, POLLIN, 0}}};
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
        raise_flag(hangup_descriptor_);
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
    raise_flag(requested_descriptor_);
}

bool StopSignal::take_hangup() {
    if (!hung_up_) {
        return false;
    }
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto got = read(hangup_descriptor_, &ignored, sizeof ignored);
    return hung_up_.exchange(false);
}

}  // namespace blocky
