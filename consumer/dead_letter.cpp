// Errors are exceptions inside this file, and values or a failed start outside of it.
#include "consumer/dead_letter.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/json_text.hpp"
#include "consumer/sinks/stored_message.hpp"

namespace blocky {
namespace {

constexpr std::string_view kBeginning = R"({"ts":)";  // of every line

[[noreturn]] void fail(std::string_view tried, const std::string& path, std::string_view why) {
    throw std::runtime_error(
        fmt::format("cannot {} the dead-letter file {}: {}", tried, path, why));
}

[[noreturn]] void fail(std::string_view tried, const std::string& path) {
    fail(tried, path, std::generic_category().message(errno));
}

// Again when a signal interrupts it.
template <typename Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR) {
        result = call();
    }
    return result;
}

void append_member(std::string& json, std::string_view name, std::string_view text) {
    json.append(name);
    append_json_string(json, text);
}

// Where the last line begins, of a file that has `size` bytes: behind its last newline.
std::uint64_t begin_of_last_line(int file, std::uint64_t size, const std::string& path) {
    std::array<char, 65536> block{};
    while (size > 0) {
        const auto count = std::min<std::uint64_t>(size, block.size());
        const auto at = static_cast<off_t>(size - count);
        const auto got = uninterrupted([&] { return pread(file, block.data(), count, at); });
        if (got != static_cast<ssize_t>(count)) {
            fail("read", path);
        }
        const auto newline = std::string_view(block.data(), count).rfind('\n');
        if (newline != std::string_view::npos) {
            return size - count + newline + 1;
        }
        size -= count;
    }
    return 0;
}

// Whether the line that begins there is one of ours, as far as it goes.
bool begins_like_ours(int file, std::uint64_t at, const std::string& path) {
    std::array<char, kBeginning.size()> head{};
    const auto got = uninterrupted(
        [&] { return pread(file, head.data(), head.size(), static_cast<off_t>(at)); });
    if (got < 0) {
        fail("read", path);
    }
    return kBeginning.starts_with(std::string_view(head.data(), static_cast<std::size_t>(got)));
}

// A new file's name must be on the disk as its lines are.
void sync_directory_of(const std::string& path) {
    const auto directory = std::filesystem::absolute(path).parent_path();
    const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && fsync(descriptor) == 0;
    const int error = errno;
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (!synced) {
        fail("make", path,
             "its directory cannot be synced: " + std::generic_category().message(error));
    }
}

}  // namespace

std::string dead_letter_line(const DeadMessage& dead, const std::string& run, WallTime now) {
    const auto& message = *dead.message;
    std::string line(kBeginning);
    append_member(line, "", utc_timestamp(now));
    append_member(line, R"(,"run":)", run);
    append_member(line, R"(,"error":)", dead.error);
    if (message.producer.empty()) {
        line += R"(,"producer":null)";
    } else {
        append_member(line, R"(,"producer":)", message.producer);
    }
    line +=
        fmt::format(R"(,"batch":{},"attempts":{},"payload":{{"value":)", dead.batch, dead.attempts);
    append_on_one_line(line, message.value);
    append_member(line, R"(,"id":)", stored_id(message, run));
    if (!message.producer.empty()) {
        append_member(line, R"(,"producer":)", message.producer);
    }
    return line += "}}\n";
}

DeadLetter::DeadLetter(std::string path, std::string run, FileCalls& calls)
    : path_(std::move(path)), run_(std::move(run)), calls_(calls) {
    try {
        open_file();
    } catch (...) {
        close_file();
        throw;
    }
}

DeadLetter::~DeadLetter() {
    take_back();
    close_file();
}

std::optional<std::string> DeadLetter::append(const std::vector<DeadMessage>& messages) {
    std::string lines;
    for (const auto& dead : messages) {
        lines += dead_letter_line(dead, run_, std::chrono::system_clock::now());
    }
    try {
        make_ready();
        write_all(lines);
        return std::nullopt;
    } catch (const std::exception& error) {
        take_back();
        return error.what();
    }
}

void DeadLetter::open_file() {
    constexpr int kFlags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    constexpr mode_t kMode = 0640;
    file_ = open(path_.c_str(), kFlags);
    const bool absent = file_ < 0 && errno == ENOENT;
    if (absent) {
        file_ = open(path_.c_str(), kFlags | O_CREAT, kMode);
    }
    struct stat status {};
    if (file_ < 0 || fstat(file_, &status) != 0) {
        fail("open", path_);
    }
    if (!S_ISREG(status.st_mode)) {
        fail("use", path_, "it is no regular file");
    }
    if (uninterrupted([&] { return flock(file_, LOCK_EX | LOCK_NB); }) != 0) {
        fail("lock", path_,
             errno == EWOULDBLOCK ? "another consumer writes to it"
                                  : std::generic_category().message(errno));
    }
    if (absent) {
        sync_directory_of(path_);
    }
    // Only now: until it was locked another process may have been writing a line.
    cut_torn_line(size());
}

void DeadLetter::close_file() {
    if (file_ >= 0) {
        close(std::exchange(file_, -1));
    }
}

// What a crash has left of a line goes, lest the next line is glued to it: nobody was told that the
// message is in this file. That of a file which is none of ours stays.
void DeadLetter::cut_torn_line(std::uint64_t size) {
    const auto end = begin_of_last_line(file_, size, path_);
    const auto last_line =
        end == size && size > 0 ? begin_of_last_line(file_, size - 1, path_) : end;
    if (!begins_like_ours(file_, last_line, path_)) {
        fail("use", path_, "its last line is none that a consumer has written");
    }
    if (end == size) {
        return;
    }
    if (calls_.ftruncate(file_, static_cast<off_t>(end)) != 0) {
        fail("cut the torn last line of", path_);
    }
    spdlog::warn("the dead-letter file {} ended in the middle of a line: {} bytes are cut off",
                 path_, size - end);
}

std::uint64_t DeadLetter::size() const {
    struct stat status {};
    if (fstat(file_, &status) != 0) {
        fail("look at", path_);
    }
    return static_cast<std::uint64_t>(status.st_size);
}

// Whether the path still leads to the open file: it may have been moved away to be replayed.
bool DeadLetter::is_in_place() const {
    struct stat open_one {};
    struct stat named {};
    return fstat(file_, &open_one) == 0 && stat(path_.c_str(), &named) == 0 &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

// Cuts off what an append() that failed may have left, so that nobody who replays the file meets
// half a line. The lock is ours since then. Written afresh the pages are dirty again: after a sync
// that failed Linux takes them for clean. False, with errno set, when it cannot be done now.
bool DeadLetter::take_back() {
    if (file_ < 0 || !cut_to_) {
        return true;
    }
    const auto end = static_cast<off_t>(*cut_to_);
    struct stat status {};
    const bool done =
        fstat(file_, &status) == 0 && (status.st_size <= end || calls_.ftruncate(file_, end) == 0);
    if (done) {
        cut_to_.reset();
    }
    return done;
}

// Has the file open and in place, without what an append() that failed may have left.
void DeadLetter::make_ready() {
    if (!take_back()) {
        fail("cut", path_);
    }
    if (file_ >= 0 && !is_in_place()) {
        close_file();
    }
    if (file_ < 0) {
        try {
            open_file();
        } catch (...) {
            close_file();
            throw;
        }
    }
}

void DeadLetter::write_all(std::string_view text) {
    cut_to_ = size();
    while (!text.empty()) {
        const auto written =
            uninterrupted([&] { return calls_.write(file_, text.data(), text.size()); });
        if (written < 0) {
            fail("write", path_);
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (uninterrupted([&] { return calls_.fdatasync(file_); }) != 0) {
        fail("sync", path_);
    }
    cut_to_.reset();
}

}  // namespace blocky
