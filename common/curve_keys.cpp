// zmq_curve_keypair(3), and files.
#include "common/curve_keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <zmq.h>

namespace blocky {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kKeyText = 40;
constexpr std::string_view kZ85 =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::string_view kBlanks = " \t\r\n";
constexpr mode_t kOthers = 0077;

using KeyText = std::array<char, kKeyText + 1>;

std::string error_text(int error) {
    return std::generic_category().message(error);
}

class OpenFile {
public:
    explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
    ~OpenFile() {
        if (descriptor_ >= 0) {
            close(descriptor_);
        }
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    int get() const { return descriptor_; }
    bool is_open() const { return descriptor_ >= 0; }

private:
    int descriptor_;
};

// A file that appears under its name only when all of it is on the disk, and never in the place of
// another: link(2) refuses that.
class NewFile {
public:
    NewFile(std::string path, std::string_view text, mode_t mode)
        : path_(std::move(path)), draft_(fmt::format("{}.{}.new", path_, getpid())) {
        const OpenFile file(open(draft_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (!file.is_open()) {
            fail(errno);
        }
        errno = ENOSPC;  // if it takes a part only
        if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
            fsync(file.get()) != 0) {
            const int error = errno;
            unlink(draft_.c_str());
            fail(error);
        }
    }
    ~NewFile() { unlink(draft_.c_str()); }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    void appear() {
        if (link(draft_.c_str(), path_.c_str()) != 0) {
            fail(errno);
        }
    }

private:
    [[noreturn]] void fail(int error) const {
        throw std::runtime_error(
            error == EEXIST
                ? fmt::format("{} is there already, and keys are not written over", path_)
                : fmt::format("cannot write {}: {}", path_, error_text(error)));
    }

    std::string path_;
    std::string draft_;
};

// The names, too, are to be there after a power cut.
void sync_directory_of(const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path();
    const OpenFile directory(
        open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.is_open()) {
        fsync(directory.get());
    }
}

OpenFile open_to_read(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        throw std::runtime_error(fmt::format("it cannot be read: {}", error_text(errno)));
    }
    return OpenFile(descriptor);
}

void check_private(const OpenFile& file) {
    struct stat status {};
    if (fstat(file.get(), &status) != 0) {
        throw std::runtime_error(fmt::format("it cannot be read: {}", error_text(errno)));
    }
    if ((status.st_mode & kOthers) != 0) {
        throw std::runtime_error(
            fmt::format("its mode is {:04o}, so that not its owner alone can use it; 0600 is as it "
                        "should be",
                        status.st_mode & 07777));
    }
}

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(kBlanks);
    const auto end = text.find_last_not_of(kBlanks);
    return begin == std::string_view::npos ? std::string_view()
                                           : text.substr(begin, end - begin + 1);
}

// Never quotes what it finds: that may be a secret key with a slip in it.
std::string key_in(const OpenFile& file) {
    std::array<char, 128> buffer{};
    const auto size = read(file.get(), buffer.data(), buffer.size());
    if (size < 0) {
        throw std::runtime_error(fmt::format("it cannot be read: {}", error_text(errno)));
    }
    const auto text = trimmed({buffer.data(), static_cast<std::size_t>(size)});
    if (text.size() != kKeyText) {
        throw std::runtime_error(fmt::format("it holds {} characters, and a key has {}",
                                             static_cast<std::size_t>(size) == buffer.size()
                                                 ? "too many"
                                                 : fmt::to_string(text.size()),
                                             kKeyText));
    }
    if (!is_curve_key(text)) {
        throw std::runtime_error("it holds characters that no key in Z85 has");
    }
    return std::string(text);
}

}  // namespace

bool is_curve_key(std::string_view text) {
    const auto is_z85 = [](char character) {
        return kZ85.find(character) != std::string_view::npos;
    };
    std::array<std::uint8_t, kKeyBytes> bytes{};
    return text.size() == kKeyText && std::ranges::all_of(text, is_z85) &&
           zmq_z85_decode(bytes.data(), std::string(text).c_str()) != nullptr;
}

CurveKeys make_curve_keys() {
    KeyText public_key{};
    KeyText secret_key{};
    if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) {
        throw std::runtime_error(fmt::format("no key can be made: {}", zmq_strerror(errno)));
    }
    return {public_key.data(), secret_key.data()};
}

void write_curve_keys(const CurveKeys& keys, const std::string& path) {
    NewFile secret_file(path, keys.secret_key + '\n', 0600);
    NewFile public_file(path + ".pub", keys.public_key + '\n', 0644);
    secret_file.appear();
    try {
        public_file.appear();
    } catch (const std::runtime_error&) {
        unlink(path.c_str());  // which is ours, made a moment ago
        throw;
    }
    sync_directory_of(path);
}

CurveKeys read_secret_curve_key(const std::string& path) {
    const auto file = open_to_read(path);
    check_private(file);
    auto secret_key = key_in(file);
    KeyText public_key{};
    if (zmq_curve_public(public_key.data(), secret_key.c_str()) != 0) {
        throw std::runtime_error(fmt::format("it holds no secret key: {}", zmq_strerror(errno)));
    }
    return {public_key.data(), std::move(secret_key)};
}

std::string read_public_curve_key(const std::string& path) {
    return key_in(open_to_read(path));
}

}  // namespace blocky
