// Thousands of producers in one process, all of them held: how long does their release take?
//
// Opens --count REQ sockets, sends a message on each but the last, and says `held`. On a line from
// stdin it sends the last one's, too, and then prints when the message left, when the first reply
// was there and when the last: nanoseconds of the monotonic clock. The consumer's batch must close
// with the last message of all such processes, so the driver lets them go one after the other.
#include <sys/epoll.h>

#include <array>
#include <string>
#include <vector>

#include "bench/bare.hpp"

namespace {

using bare::must;
using bare::now_ns;

constexpr char kBody[] = R"({"producer":"held","value":1})";

struct Options {
    std::string connect;
    int count = 1;
};

Options parse(bare::Arguments arguments) {
    Options options;
    while (arguments.next()) {
        if (arguments.is("--connect")) {
            options.connect = arguments.text();
        } else if (arguments.is("--count")) {
            options.count = arguments.number();
        } else {
            arguments.refuse();
        }
    }
    return options;
}

std::vector<void*> connected(const Options& options) {
    void* const context = zmq_ctx_new();
    must(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, options.count + 1), "sockets");
    std::vector<void*> sockets;
    for (int i = 0; i < options.count; ++i) {
        sockets.push_back(zmq_socket(context, ZMQ_REQ));
        must(sockets.back() == nullptr ? -1 : 0, "socket");
        must(zmq_connect(sockets.back(), options.connect.c_str()), "connect");
    }
    return sockets;
}

void push(void* socket) {
    must(zmq_send(socket, kBody, sizeof kBody - 1, 0), "send");
}

// Also takes in what the connection had to say until now, so that its descriptor is quiet after it.
bool is_readable(void* socket) {
    int events = 0;
    std::size_t size = sizeof events;
    must(zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size), "events");
    return (events & ZMQ_POLLIN) != 0;
}

int watch(const std::vector<void*>& sockets) {
    const int watcher = must(epoll_create1(EPOLL_CLOEXEC), "epoll");
    for (void* const socket : sockets) {
        int descriptor = -1;
        std::size_t size = sizeof descriptor;
        must(zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size), "descriptor");
        is_readable(socket);
        epoll_event event{EPOLLIN, {socket}};
        must(epoll_ctl(watcher, EPOLL_CTL_ADD, descriptor, &event), "epoll");
    }
    return watcher;
}

// Until the first of them has a reply.
void wait(int watcher) {
    epoll_event event{};
    do {
        must(epoll_wait(watcher, &event, 1, -1), "epoll");
    } while (!is_readable(event.data.ptr));
}

void receive(void* socket) {
    std::array<char, 256> reply{};
    must(zmq_recv(socket, reply.data(), reply.size(), 0), "receive");
}

}  // namespace

int main(int argc, char** argv) {
    const auto sockets = connected(parse(bare::Arguments(argc, argv)));
    for (std::size_t i = 0; i + 1 < sockets.size(); ++i) {
        push(sockets[i]);
    }
    std::puts("held");
    std::fflush(stdout);
    std::getchar();

    const int watcher = watch(sockets);
    std::puts("settled");
    std::fflush(stdout);
    std::getchar();

    const auto sent = now_ns();
    push(sockets.back());
    wait(watcher);
    const auto first = now_ns();
    for (void* const socket : sockets) {
        receive(socket);
    }
    const auto last = now_ns();
    std::printf("%lld %lld %lld\n", static_cast<long long>(sent), static_cast<long long>(first),
                static_cast<long long>(last));
    std::fflush(stdout);
    std::_Exit(EXIT_SUCCESS);
}
