// flock(2) on a file beside the socket.
#include "consumer/ipc_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace blocky {

IpcLock::IpcLock(const std::string& socket_file) {
    const auto path = socket_file + ".lock";
    descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor_ < 0) {
        throw std::runtime_error(fmt::format("cannot make the lock file {}: {}", path,
                                             std::generic_category().message(errno)));
    }
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        close(descriptor_);
        throw std::runtime_error(
            fmt::format("another consumer serves it (it holds the lock {})", path));
    }
}

IpcLock::IpcLock(IpcLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

IpcLock::~IpcLock() {
    if (descriptor_ >= 0) {
        close(descriptor_);
    }
}

}  // namespace blocky
