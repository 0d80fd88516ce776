// Which of the three files is whose: told by inodes, never by names alone.
#include "consumer/sinks/sqlite_lost_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace blocky {
namespace {

FileIdentity identity_in(const struct stat& status) {
    return {status.st_dev, status.st_ino};
}

// Where SQLite makes the file, and by whose name it calls the log: it follows links.
std::string behind_links(std::filesystem::path path) {
    constexpr int kMostLinks = 40;
    std::error_code error;
    for (int links = 0; links < kMostLinks && std::filesystem::is_symlink(path, error); ++links) {
        path = path.parent_path() / std::filesystem::read_symlink(path, error);
    }
    return path.string();
}

}  // namespace

std::optional<FileIdentity> identity_of_file(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return identity_in(status);
}

std::optional<std::string> obstacle_to_new_sqlite_file(const std::string& path) {
    const auto file = behind_links(path);
    const auto log = file + "-wal";
    const auto index = file + "-shm";
    const bool has_log = identity_of_file(log).has_value();
    if (!has_log && !identity_of_file(index)) {
        return std::nullopt;
    }
    // Asked last: who makes a database makes these after it.
    struct stat status {};
    if (stat(file.c_str(), &status) == 0 && status.st_size > 0) {
        return std::nullopt;
    }
    if (has_log) {
        return fmt::format(
            "it was moved away, removed or emptied, and its log {} is still there, which may hold "
            "its last batches: stop the other programs that have it open; then rename the log as "
            "the file was, so that it is beside it, or remove it, and remove {}",
            log, index);
    }
    return fmt::format(
        "it was moved away, removed or emptied, and {} is still there: stop the other programs "
        "that "
        "have it open, and remove that",
        index);
}

LostSqliteFile::LostSqliteFile(SqliteTable table, std::optional<FileIdentity> log)
    : table_(std::move(table)), log_path_(table_->connection().log_path()), log_(log) {}

LostSqliteFile::~LostSqliteFile() {
    table_.reset();
    if (log_lock_ >= 0) {
        close(log_lock_);
    }
}

LostSqliteFile::Left LostSqliteFile::leave() {
    const bool named = log_has_its_name();
    if (named && !is_mine_to_leave()) {
        table_.reset();
        return Left::kToOther;
    }
    const auto moved = table_->connection().checkpoint();
    if (!moved) {
        obstacle_ = fmt::format("its log cannot be moved into it: {}", moved.error().text);
        return Left::kNotYet;
    }
    // A log of that name that is another one is somebody else's: not to be deleted.
    const bool alone = *moved && (!named || table_->connection().delete_log());
    if (!alone) {
        obstacle_ =
            "other programs have it open, whose batches a new one would cost: stop them, or have "
            "them close it (a consumer does with its next batch)";
        return Left::kNotYet;
    }
    table_.reset();
    return Left::kWhole;
}

bool LostSqliteFile::log_has_its_name() const {
    return log_ && identity_of_file(log_path_) == log_;
}

// All consumers that have lost the file would wait for each other to close it: all but one do. The
// lock is one that SQLite does not use, on a file that it locks nothing of.
bool LostSqliteFile::is_mine_to_leave() {
    if (log_lock_ >= 0) {
        return true;
    }
    const int descriptor = open(log_path_.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (descriptor >= 0 && fstat(descriptor, &status) == 0 && identity_in(status) == log_ &&
        flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
        log_lock_ = descriptor;
        return true;
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    return false;
}

}  // namespace blocky
