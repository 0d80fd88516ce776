// The listening socket of an ipc endpoint, with a mode that it has from its first moment on: ZeroMQ
// makes its own with whatever the umask leaves, and a mode that is set later is too late for who
// has connected in between. The umask itself is no way, for it is one for all threads and for the
// commands that they start.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

namespace blocky {

// The caller must hold the endpoint's IpcLock from before it is made until after it is gone. Its
// file, unless another took its place, is removed with it.
class IpcListener {
public:
    // Binds and listens, in the place of a socket that was left there. Throws std::runtime_error,
    // one sentence without the path.
    IpcListener(std::string file, mode_t mode);
    ~IpcListener();
    IpcListener(IpcListener&& other) noexcept;
    IpcListener(const IpcListener&) = delete;
    IpcListener& operator=(const IpcListener&) = delete;
    IpcListener& operator=(IpcListener&&) = delete;

    // Gives the descriptor away: to ZeroMQ, which closes it.
    int release() { return std::exchange(descriptor_, -1); }

private:
    std::string file_;  // empty once moved from
    int descriptor_ = -1;
    dev_t device_ = 0;  // of the file, and its number there
    ino_t inode_ = 0;
};

}  // namespace blocky
