// Socket activation: the service manager has bound and listens, so that producers can connect
// before the consumer runs and while it restarts, and hands its sockets over. Here it is found out
// where they listen, and which --bind each of them is.
#pragma once

#include <string>
#include <vector>

namespace blocky {

inline constexpr int kFirstPassed = 3;  // sd_listen_fds(3)

struct PassedSocket {
    int descriptor = -1;
    std::string name;      // FileDescriptorName= of the socket unit, by default the unit's own
    std::string endpoint;  // as getsockname(2) tells: tcp://127.0.0.1:5555, tcp://[::]:5555,
                           // ipc:///run/x, ipc://@abstract
};

// Looks at `count` descriptors from `first` on; `names` are those of LISTEN_FDNAMES, colons between
// them. They become close-on-exec and do not block, as ZeroMQ has its own. Throws
// std::runtime_error for one that is no stream socket which listens on tcp or ipc.
std::vector<PassedSocket> inspect_passed_sockets(int first, int count, const std::string& names);

// Where to listen: `bind`, each that is a passed socket written as that one's endpoint, and without
// repetition. With an empty `bind`: where the passed sockets do. Throws UsageError for a socket
// that is passed and not asked for.
std::vector<std::string> with_passed(const std::vector<std::string>& bind,
                                     const std::vector<PassedSocket>& passed);

}  // namespace blocky
