// Keeps an ipc endpoint for one consumer. ZeroMQ lets a second one bind the same path without an
// error and takes the endpoint over silently (observed with 4.3.4); a lock file beside the socket
// prevents that. flock(2) releases it however the process ends; the file itself stays.
#pragma once

#include <stdexcept>
#include <string>

namespace blocky {

class IpcLock {
public:
    // Locks `socket_file`.lock, which is made if absent. Throws std::runtime_error, saying so, when
    // another process holds it or it cannot be made.
    explicit IpcLock(const std::string& socket_file);
    ~IpcLock();
    IpcLock(IpcLock&& other) noexcept;
    IpcLock& operator=(IpcLock&&) = delete;
    IpcLock(const IpcLock&) = delete;
    IpcLock& operator=(const IpcLock&) = delete;

private:
    int descriptor_;
};

}  // namespace blocky
