// The file that the sink jsonl writes: all or nothing of a batch, and what it says is there is on
// the disk. Knows of bytes and lines, not of messages.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <tl/expected.hpp>

#include "consumer/sinks/file_system.hpp"

namespace blocky {

// For one thread at a time. Errors are sentences that name what was tried.
class JsonlFile {
public:
    // Opens nothing yet. `system` must outlive it.
    JsonlFile(FileSystem& system, std::string path) : system_(system), path_(std::move(path)) {}

    enum class Ready {
        kAsBefore,  // the file that was written to last, and nobody else has written to it
        kOther      // another one, or the first: what is in it is not known here
    };
    // Has the file open, alone (locked) and at the end of its last whole line, all of which is on
    // the disk, its name too. Opens it if it is not open, or not what it was left as: removed, cut,
    // or written to by somebody else. A last line of ours without its newline is cut off, and after
    // a failure of append() all that it may have left; anybody else's is an error.
    tl::expected<Ready, std::string> ready();

    // Adds whole lines: when this succeeds they are on the disk. When it fails, nobody knows what
    // the file holds: it is cut back to the last append() that succeeded, by ready() if that cannot
    // be done at once, and ready() opens it afresh. Until it is cut it stays locked, lest somebody
    // else believes what is to be cut off, or adds to it; only another file of that name ends this.
    // Needs a ready() before it, without a failure in between.
    tl::expected<void, std::string> append(std::string_view lines);

    // The next ready() opens the path anew: another file may have that name now.
    void close() { stale_ = true; }

    const std::string& path() const { return path_; }
    // After ready().
    File& file() { return *file_; }
    std::uint64_t end() const { return end_; }

private:
    bool is_as_left();
    tl::expected<Ready, std::string> open();
    void leave();
    tl::expected<std::uint64_t, std::string> cut(File& file, const FileState& state);
    tl::expected<std::uint64_t, std::string> whole_lines(File& file, std::uint64_t size);
    std::error_code write(std::string_view lines);
    std::string sentence(std::string_view tried, const std::error_code& error) const;

    FileSystem& system_;
    std::string path_;
    std::unique_ptr<File> file_;          // closed: nothing
    std::optional<FileIdentity> opened_;  // last
    std::uint64_t end_ = 0;               // of what is known to be on the disk in that file
    bool stale_ = false;                  // file_ is: the path is to be opened anew
    std::error_code in_doubt_;            // why what is behind `end_` could not be cut off
};

}  // namespace blocky
