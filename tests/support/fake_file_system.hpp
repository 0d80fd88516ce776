// A disk with a cache above it, as bad as disks are: what was not synced is lost when it stops, or
// some of it is; a sync that fails has lost what it should have written, although the cache still
// shows it and the next sync succeeds; any call can be made to fail, a write after half its bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "consumer/sinks/file_system.hpp"

namespace blocky::test {

// What becomes of a file's bytes between the cache and the disk.
struct FakeInode {
    std::uint64_t number = 0;
    std::string cache;     // what reading shows
    std::string state;     // per byte of the cache: 'd' dirty, 'c' on the disk, 'l' lost
    std::string disk;      // what is there after the machine has stopped
    bool on_disk = false;  // its name is
    bool locked = false;
    bool named = true;

    // With `more` bytes of the cache beyond those that were synced.
    std::string after_stop(std::size_t more = 0) const {
        if (more == 0) {
            return disk;
        }
        auto text = cache.substr(0, std::min(cache.size(), synced() + more));
        for (std::size_t i = 0; i < text.size(); ++i) {
            text[i] = state[i] == 'l' ? '\0' : text[i];
        }
        return text;
    }
    std::size_t synced() const { return std::min(state.find_first_not_of('c'), state.size()); }
};

class FakeFileSystem : public FileSystem {
public:
    using Inodes = std::map<std::string, std::shared_ptr<FakeInode>>;

    // The call with that number from now on (1: the next) fails, and so many after it.
    void fail_call(int number, std::errc error = std::errc::io_error, int more = 0) {
        until_failure_ = number;
        until_good_ = -more;
        error_ = std::make_error_code(error);
    }
    // All calls fail, until told otherwise.
    void fail_all(std::optional<std::errc> error) { all_ = error; }
    // No file can be opened, until told otherwise.
    void refuse_open(bool refused) { open_refused_ = refused; }
    bool has_failed() const { return until_failure_ <= 0; }
    // A write takes so many bytes at most.
    void take_at_most(std::size_t bytes) { at_most_ = bytes; }

    FakeInode& inode(const std::string& path) { return *inodes_.at(path); }
    bool has(const std::string& path) const { return inodes_.contains(path); }
    std::string text(const std::string& path) { return inode(path).cache; }
    void put(const std::string& path, const std::string& text) {
        auto& file = make(path);
        file.cache = file.disk = text;
        file.state.assign(text.size(), 'c');
        file.on_disk = true;
    }
    void rename(const std::string& from, const std::string& to) {
        inodes_[to] = std::exchange(inodes_[from], nullptr);
        inodes_.erase(from);
    }
    void remove(const std::string& path) {
        inode(path).named = false;
        inodes_.erase(path);
    }
    int syncs() const { return syncs_; }
    int writes() const { return writes_; }
    int opens() const { return opens_; }

    IoResult<std::unique_ptr<File>> open(const std::string& path) override;
    std::error_code sync_directory_of(const std::string& path) override {
        if (const auto error = failure()) {
            return error;
        }
        inode(path).on_disk = true;
        return {};
    }

private:
    friend class FakeFile;

    std::error_code failure() {
        if (all_) {
            return std::make_error_code(*all_);
        }
        --until_failure_;
        return until_failure_ <= 0 && until_failure_ >= until_good_ ? error_ : std::error_code();
    }
    FakeInode& make(const std::string& path) {
        auto& place = inodes_[path];
        place = std::make_shared<FakeInode>();
        place->number = ++last_number_;
        return *place;
    }

    Inodes inodes_;
    std::uint64_t last_number_ = 0;
    int until_failure_ = 1 << 30;
    int until_good_ = 0;
    std::error_code error_;
    std::optional<std::errc> all_;
    bool open_refused_ = false;
    std::size_t at_most_ = std::string::npos;
    int syncs_ = 0;
    int writes_ = 0;
    int opens_ = 0;
};

class FakeFile : public File {
public:
    FakeFile(FakeFileSystem& system, std::shared_ptr<FakeInode> inode)
        : system_(system), inode_(std::move(inode)) {
        inode_->locked = true;
    }
    FakeFile(const FakeFile&) = delete;
    FakeFile& operator=(const FakeFile&) = delete;
    ~FakeFile() override { inode_->locked = false; }

    IoResult<FileState> state() override {
        if (const auto error = system_.failure()) {
            return tl::make_unexpected(error);
        }
        return FileState{{1, inode_->number}, inode_->cache.size(), true, inode_->named};
    }

    IoResult<std::size_t> read(std::uint64_t at, std::span<char> into) override {
        if (const auto error = system_.failure()) {
            return tl::make_unexpected(error);
        }
        const auto text = std::string_view(inode_->cache).substr(at, into.size());
        std::memcpy(into.data(), text.data(), text.size());
        return text.size();
    }

    void expect_read(std::uint64_t /*at*/, std::uint64_t /*bytes*/) override {}

    IoResult<std::size_t> append(std::string_view text) override {
        const auto error = system_.failure();
        const auto taken = error ? text.size() / 2 : std::min(text.size(), system_.at_most_);
        inode_->cache += text.substr(0, taken);
        inode_->state.append(taken, 'd');
        ++system_.writes_;
        if (error) {
            return tl::make_unexpected(error);
        }
        return taken;
    }

    std::error_code truncate(std::uint64_t size) override {
        if (const auto error = system_.failure()) {
            return error;
        }
        inode_->cache.resize(size);
        inode_->state.resize(size);
        return {};
    }

    std::error_code sync() override {
        auto& file = *inode_;
        if (const auto error = system_.failure()) {
            std::ranges::replace(file.state, 'd', 'l');
            return error;
        }
        ++system_.syncs_;
        std::ranges::replace(file.state, 'd', 'c');
        file.disk = file.cache;
        for (std::size_t i = 0; i < file.disk.size(); ++i) {
            file.disk[i] = file.state[i] == 'l' ? '\0' : file.disk[i];
        }
        return {};
    }

private:
    FakeFileSystem& system_;
    std::shared_ptr<FakeInode> inode_;
};

inline IoResult<std::unique_ptr<File>> FakeFileSystem::open(const std::string& path) {
    if (const auto error = failure()) {
        return tl::make_unexpected(error);
    }
    if (open_refused_) {
        return tl::make_unexpected(std::make_error_code(std::errc::too_many_files_open));
    }
    if (!inodes_.contains(path)) {
        make(path);
    }
    if (inode(path).locked) {
        return tl::make_unexpected(std::make_error_code(std::errc::resource_unavailable_try_again));
    }
    ++opens_;
    return std::make_unique<FakeFile>(*this, inodes_.at(path));
}

}  // namespace blocky::test
