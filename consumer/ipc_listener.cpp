// On Linux the mode of a socket that is bound is the one its descriptor has, less the umask.
#include "consumer/ipc_listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace blocky {
namespace {

constexpr int kBacklog = 4096;  // as on tcp

sockaddr_un address_of(const std::string& file) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(static_cast<char*>(address.sun_path), file.data(),
                std::min(file.size(), sizeof address.sun_path - 1));
    return address;
}

}  // namespace

IpcListener::IpcListener(std::string file, mode_t mode)
    : file_(std::move(file)),
      descriptor_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const auto address = address_of(file_);
    unlink(file_.c_str());
    struct stat made {};
    // What the umask took away is given back at the end, when it can be too much for nobody.
    if (descriptor_ < 0 || fchmod(descriptor_, mode) != 0 ||
        bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        chmod(file_.c_str(), mode) != 0 || stat(file_.c_str(), &made) != 0 ||
        listen(descriptor_, kBacklog) != 0) {
        const int error = errno;
        if (descriptor_ >= 0) {
            close(descriptor_);
        }
        throw std::runtime_error(std::generic_category().message(error));
    }
    device_ = made.st_dev;
    inode_ = made.st_ino;
}

IpcListener::IpcListener(IpcListener&& other) noexcept
    : file_(std::exchange(other.file_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      device_(other.device_),
      inode_(other.inode_) {}

IpcListener::~IpcListener() {
    struct stat there {};
    if (!file_.empty() && lstat(file_.c_str(), &there) == 0 && there.st_dev == device_ &&
        there.st_ino == inode_) {
        unlink(file_.c_str());
    }
    if (descriptor_ >= 0) {
        close(descriptor_);
    }
}

}  // namespace blocky
