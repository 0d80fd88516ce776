// What the sinks that write files ask of a file system, and no more: so little that a test can play
// one which fails at any call, forgets what was not synced, and stops in the middle of a write.
// Errors are values; sentences are made of them where the file's purpose is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <tl/expected.hpp>

namespace blocky {

template <typename T>
using IoResult = tl::expected<T, std::error_code>;

// Which file it is, whatever it is called by now.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    bool operator==(const FileIdentity&) const = default;
};

struct FileState {
    FileIdentity identity;
    std::uint64_t size = 0;  // bytes
    bool regular = true;     // no device, no pipe
    bool named = true;       // false: it has been removed, and goes when it is closed
};

// An open file that this process has the lock of. Closed, and so unlocked, when it is destroyed.
// For one thread at a time.
class File {
public:
    File() = default;
    virtual ~File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    virtual IoResult<FileState> state() = 0;
    // Reads up to into.size() bytes from byte `at` on; 0: the file ends there.
    virtual IoResult<std::size_t> read(std::uint64_t at, std::span<char> into) = 0;
    // These bytes are soon asked for: for speed only.
    virtual void expect_read(std::uint64_t at, std::uint64_t bytes) = 0;
    // Writes some of `text`, at least one byte, at the end of the file, as write(2) does; returns
    // how many bytes it took.
    virtual IoResult<std::size_t> append(std::string_view text) = 0;
    virtual std::error_code truncate(std::uint64_t size) = 0;
    // The file's bytes and its size are on the disk when this returns without an error. With one,
    // nobody knows what is there, and asking again does not tell: Linux says each failed write-back
    // once, and takes the pages for written from then on (fsync(2); "fsyncgate", 2018).
    virtual std::error_code sync() = 0;
};

class FileSystem {
public:
    FileSystem() = default;
    virtual ~FileSystem() = default;
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;

    // Opens the file to read it and to write at its end, makes it if absent (mode 0644 less the
    // umask) and locks it with flock(2). std::errc::resource_unavailable_try_again: another process
    // has the lock.
    virtual IoResult<std::unique_ptr<File>> open(const std::string& path) = 0;
    // The name of the file is on the disk when this returns without an error.
    virtual std::error_code sync_directory_of(const std::string& path) = 0;
};

// The machine's own.
FileSystem& real_file_system();

}  // namespace blocky
