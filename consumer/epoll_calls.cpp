// Keeps libzmq 4.3.4 from aborting when a connection ends while it does not read it, by standing
// between it and the kernel: its calls of epoll_ctl(2) and epoll_wait(2) end up here, since a
// program's own symbols come before those of the C library.
//
// A peer that sends faster than its requests are taken is not read any more (ZMQ_RCVHWM). epoll
// tells of the end of its connection all the same, as EPOLLHUP. libzmq takes that for input, marks
// the connection as broken, and waits for room to hand on what it has read already
// (stream_engine_base.cpp, in_event_internal). What it would send to the peer before then, be it a
// heartbeat of its own or the answer to one, fails "Assertion failed: !_io_error"
// (https://github.com/zeromq/libzmq/issues/4364): whoever can connect could end the consumer, and
// producers that were killed did so by accident.
//
// So a connection that is not to be read is not heard of here: its end is seen when it is read
// again, behind all that was sent before.
#include <dlfcn.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <utility>

namespace {

constexpr std::uint32_t kEnded = EPOLLERR | EPOLLHUP;

// What is not to be read, though it has been added.
struct Unread {
    std::uint64_t data;  // the caller's name for it
    bool watched;        // the kernel watches it, for it is to be written
};

// By epoll and descriptor. Each of libzmq's threads has an epoll of its own, and nobody else uses
// it.
thread_local std::map<std::pair<int, int>, Unread> unread;

// The next definition of a function, which is the C library's or a sanitizer's.
template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int control(int epoll, int operation, int descriptor, epoll_event* event) {
    static const auto kReal = next<int(int, int, int, epoll_event*)>("epoll_ctl");
    return kReal(epoll, operation, descriptor, event);
}

int change(int epoll, int descriptor, epoll_event& event) {
    const auto found = unread.find({epoll, descriptor});
    const bool watched = found == unread.end() || found->second.watched;
    const bool reads = (event.events & EPOLLIN) != 0;
    const bool watch = reads || (event.events & EPOLLOUT) != 0;
    if (watch || watched) {
        const int operation = !watch ? EPOLL_CTL_DEL : watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        if (control(epoll, operation, descriptor, &event) != 0) {
            return -1;
        }
    }
    if (!reads) {
        unread.insert_or_assign({epoll, descriptor}, Unread{event.data.u64, watch});
    } else if (found != unread.end()) {
        unread.erase(found);
    }
    return 0;
}

// An end is input where something reads, and else for the writer, whose next write fails.
void tell(int epoll, epoll_event& event) {
    const bool reads = std::ranges::none_of(unread, [&](const auto& entry) {
        return entry.first.first == epoll && entry.second.data == event.data.u64;
    });
    event.events &= ~kEnded;
    event.events |= reads ? EPOLLIN : EPOLLOUT;
}

}  // namespace

// The symbols are the C library's, whose header has declared these names already.
extern "C" {

int called_for_epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event) noexcept
    __asm__("epoll_ctl");
int called_for_epoll_wait(int epoll, epoll_event* events, int size,
                          int timeout) __asm__("epoll_wait");

int called_for_epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event) noexcept {
    if (operation == EPOLL_CTL_MOD) {
        return change(epoll, descriptor, *event);
    }
    const auto known = unread.extract({epoll, descriptor});
    if (operation == EPOLL_CTL_DEL && known && !known.mapped().watched) {
        return 0;
    }
    return control(epoll, operation, descriptor, event);
}

int called_for_epoll_wait(int epoll, epoll_event* events, int size, int timeout) {
    static const auto kReal = next<int(int, epoll_event*, int, int)>("epoll_wait");
    const int count = kReal(epoll, events, size, timeout);
    for (auto& event : std::span(events, count > 0 ? static_cast<std::size_t>(count) : 0)) {
        if ((event.events & kEnded) != 0) {
            tell(epoll, event);
        }
    }
    return count;
}

}  // extern "C"
