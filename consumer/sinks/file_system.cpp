// The seam's other side: one system call each, again when a signal interrupts it.
#include "consumer/sinks/file_system.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace blocky {
namespace {

std::error_code last_error() {
    return {errno, std::generic_category()};
}

// What `call` returns, or why it failed.
template <typename Call>
auto uninterrupted(Call call) -> IoResult<decltype(call())> {
    while (true) {
        const auto result = call();
        if (result >= 0) {
            return result;
        }
        if (errno != EINTR) {
            return tl::make_unexpected(last_error());
        }
    }
}

template <typename T>
std::error_code error_of(const IoResult<T>& result) {
    return result ? std::error_code() : result.error();
}

class PosixFile : public File {
public:
    explicit PosixFile(int descriptor) : descriptor_(descriptor) {}
    PosixFile(const PosixFile&) = delete;
    PosixFile& operator=(const PosixFile&) = delete;
    ~PosixFile() override { close(descriptor_); }  // what counts has been synced before

    IoResult<FileState> state() override {
        struct stat status {};
        if (fstat(descriptor_, &status) != 0) {
            return tl::make_unexpected(last_error());
        }
        return FileState{{status.st_dev, status.st_ino},
                         static_cast<std::uint64_t>(status.st_size),
                         S_ISREG(status.st_mode),
                         status.st_nlink > 0};
    }

    IoResult<std::size_t> read(std::uint64_t at, std::span<char> into) override {
        return uninterrupted([&] {
                   return pread(descriptor_, into.data(), into.size(), static_cast<off_t>(at));
               })
            .map([](ssize_t bytes) { return static_cast<std::size_t>(bytes); });
    }

    void expect_read(std::uint64_t at, std::uint64_t bytes) override {
        posix_fadvise(descriptor_, static_cast<off_t>(at), static_cast<off_t>(bytes),
                      POSIX_FADV_WILLNEED);
    }

    IoResult<std::size_t> append(std::string_view text) override {
        return uninterrupted([&] { return ::write(descriptor_, text.data(), text.size()); })
            .map([](ssize_t bytes) { return static_cast<std::size_t>(bytes); });
    }

    std::error_code truncate(std::uint64_t size) override {
        return error_of(
            uninterrupted([&] { return ftruncate(descriptor_, static_cast<off_t>(size)); }));
    }

    std::error_code sync() override {
        return error_of(uninterrupted([&] { return fdatasync(descriptor_); }));
    }

    std::error_code lock() const {
        return error_of(uninterrupted([&] { return flock(descriptor_, LOCK_EX | LOCK_NB); }));
    }

private:
    int descriptor_;
};

class PosixFileSystem : public FileSystem {
public:
    IoResult<std::unique_ptr<File>> open(const std::string& path) override {
        constexpr mode_t kMode = 0644;
        const auto descriptor = uninterrupted([&] {
            return ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, kMode);
        });
        if (!descriptor) {
            return tl::make_unexpected(descriptor.error());
        }
        auto file = std::make_unique<PosixFile>(*descriptor);
        if (const auto error = file->lock()) {
            return tl::make_unexpected(error);
        }
        return file;
    }

    std::error_code sync_directory_of(const std::string& path) override {
        std::error_code error;
        // The one that the file is in, which a symbolic link may be the way to.
        const auto directory = std::filesystem::canonical(path, error).parent_path();
        if (error) {
            return error;
        }
        const auto descriptor = uninterrupted(
            [&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
        if (!descriptor) {
            return descriptor.error();
        }
        error = error_of(uninterrupted([&] { return fsync(*descriptor); }));
        close(*descriptor);
        return error;
    }
};

}  // namespace

FileSystem& real_file_system() {
    static PosixFileSystem system;
    return system;
}

}  // namespace blocky
