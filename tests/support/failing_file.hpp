// System calls that fail when the test says so, and write in part before they do.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>

#include "consumer/file_calls.hpp"

namespace blocky::test {

class FailingFile : public FileCalls {
public:
    std::optional<std::size_t> room;     // bytes until the disk is full
    std::size_t most_at_once = 1 << 30;  // bytes that one call takes
    int failing_syncs = 0;
    int failing_cuts = 0;
    int interrupted = 0;  // calls that a signal interrupts first
    int writes = 0;
    int syncs = 0;

    ssize_t write(int file, const char* bytes, std::size_t count) override {
        if (interrupted > 0) {
            --interrupted;
            return fail(EINTR);
        }
        ++writes;
        count = std::min(count, most_at_once);
        if (room) {
            count = std::min(count, *room);
            if (count == 0) {
                return fail(ENOSPC);
            }
            *room -= count;
        }
        return FileCalls::write(file, bytes, count);
    }
    int fdatasync(int file) override {
        ++syncs;
        return failing_syncs > 0 && failing_syncs-- > 0 ? fail(EIO) : FileCalls::fdatasync(file);
    }
    int ftruncate(int file, off_t size) override {
        return failing_cuts > 0 && failing_cuts-- > 0 ? fail(EIO)
                                                      : FileCalls::ftruncate(file, size);
    }

private:
    static int fail(int error) {
        errno = error;
        return -1;
    }
};

}  // namespace blocky::test
