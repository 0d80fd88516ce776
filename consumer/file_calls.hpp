// The system calls that make a line durable, as a seam: so that a test can have any of them fail,
// or forget what was not synced. Each does what the system call of its name does, errno included.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace blocky {

class FileCalls {
public:
    FileCalls() = default;
    virtual ~FileCalls() = default;
    FileCalls(const FileCalls&) = delete;
    FileCalls& operator=(const FileCalls&) = delete;

    virtual ssize_t write(int file, const char* bytes, std::size_t count) {
        return ::write(file, bytes, count);
    }
    virtual int fdatasync(int file) { return ::fdatasync(file); }
    virtual int ftruncate(int file, off_t size) { return ::ftruncate(file, size); }
};

// The machine's own.
inline FileCalls& system_calls() {
    static FileCalls calls;
    return calls;
}

}  // namespace blocky
