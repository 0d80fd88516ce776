// Every doubt is settled by opening the file afresh.
#include "consumer/sinks/jsonl_file.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "consumer/sinks/jsonl_line.hpp"
#include "consumer/sinks/lines_backwards.hpp"

namespace blocky {
namespace {

constexpr std::uint64_t kMebibyte = 1U << 20U;
// Where the end of the last whole line is looked for. Of ours each is as long as a message, whose
// bytes --max-message-bytes bounds, and a little more: far less than this.
constexpr std::uint64_t kLongestLine = 256 * kMebibyte;

// The first bytes of what is between `begin` and `end`, as many as the beginning of a line has.
IoResult<std::string> head_of(File& file, std::uint64_t begin, std::uint64_t end) {
    std::string head(
        static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, kJsonlBeginning.size())),
        '\0');
    if (const auto error = read_all(file, begin, head)) {
        return tl::make_unexpected(error);
    }
    return head;
}

// Whether the last of the whole lines that end at `end` was written by this sink.
IoResult<bool> is_ours(File& file, std::uint64_t end) {
    return end_of_last_line(file, end - 1, kLongestLine)
        .and_then([&](const std::optional<std::uint64_t>& begin) -> IoResult<bool> {
            if (!begin) {
                return false;
            }
            return head_of(file, *begin, end).map([](const std::string& head) {
                return head == kJsonlBeginning;
            });
        });
}

IoResult<bool> has_only_zeros(File& file, std::uint64_t size) {
    std::string block;
    for (std::uint64_t at = 0; at < size; at += block.size()) {
        block.resize(static_cast<std::size_t>(std::min(size - at, kMebibyte)));
        if (const auto error = read_all(file, at, block)) {
            return tl::make_unexpected(error);
        }
        if (block.find_first_not_of('\0') != std::string::npos) {
            return false;
        }
    }
    return true;
}

// Whether what is behind the whole lines, from `begin` to `size`, is what a write that was not
// completed may leave: the beginning of a line, or zeros where a block did not come to the disk.
// Nobody's JSON document is to be lost by a slip in a path.
IoResult<bool> is_torn_line(File& file, std::uint64_t begin, std::uint64_t size) {
    const auto head = head_of(file, begin, size);
    if (!head) {
        return tl::make_unexpected(head.error());
    }
    const auto zeros = head->find('\0');
    if (!kJsonlBeginning.starts_with(std::string_view(*head).substr(0, zeros))) {
        return false;
    }
    if (zeros == std::string::npos) {
        return true;
    }
    return begin > 0 ? is_ours(file, begin) : has_only_zeros(file, size);
}

}  // namespace

std::string JsonlFile::sentence(std::string_view tried, const std::error_code& error) const {
    if (error == std::errc::resource_unavailable_try_again) {
        return fmt::format("cannot {} {}: another consumer holds the lock of this file", tried,
                           path_);
    }
    return fmt::format("cannot {} {}: {}", tried, path_, error.message());
}

tl::expected<JsonlFile::Ready, std::string> JsonlFile::ready() {
    if (file_ && !is_as_left()) {
        leave();
    }
    return file_ && !stale_ ? Ready::kAsBefore : open();
}

// Not while something is in it that must be cut off: without the lock another consumer could take
// that for its own, answer for it, and add to it.
void JsonlFile::leave() {
    stale_ = true;
    if (in_doubt_) {
        const auto state = file_->state();
        // Somebody may have cut it to less than that, as logrotate's copytruncate does.
        const bool shorter = state && state->size < end_;
        in_doubt_ = shorter ? std::error_code() : file_->truncate(end_);
    }
    if (!in_doubt_) {
        file_.reset();
    }
}

bool JsonlFile::is_as_left() {
    if (stale_) {
        return false;
    }
    const auto state = file_->state();
    if (!state) {
        return false;
    }
    if (!state->named) {
        spdlog::warn("{} was removed, with all that was in it: a new one is made", path_);
        return false;
    }
    if (state->size != end_) {
        spdlog::warn("{} was changed by somebody else: it has {} bytes, and had {}", path_,
                     state->size, end_);
        return false;
    }
    return true;
}

tl::expected<JsonlFile::Ready, std::string> JsonlFile::open() {
    auto file = system_.open(path_);
    if (!file && in_doubt_ && file.error() == std::errc::resource_unavailable_try_again) {
        return tl::make_unexpected(sentence("cut back", in_doubt_));  // it is the one in file_
    }
    if (!file) {
        return tl::make_unexpected(sentence("open", file.error()));
    }
    const auto state = (*file)->state();
    if (!state) {
        return tl::make_unexpected(sentence("open", state.error()));
    }
    if (!state->regular) {
        return tl::make_unexpected(fmt::format("cannot open {}: it is no regular file", path_));
    }
    const auto end = cut(**file, *state);
    if (!end) {
        return tl::make_unexpected(end.error());
    }
    // What a killed consumer wrote may not have come to the disk, and is about to be believed.
    if (const auto error = (*file)->sync()) {
        return tl::make_unexpected(sentence("sync", error));
    }
    if (const auto error = system_.sync_directory_of(path_)) {
        return tl::make_unexpected(sentence("sync the directory of", error));
    }
    const bool as_before = opened_ == state->identity && *end == end_;
    file_ = std::move(*file);
    opened_ = state->identity;
    end_ = *end;
    in_doubt_ = {};
    stale_ = false;
    return as_before ? Ready::kAsBefore : Ready::kOther;
}

// To whole lines. Returns where the file ends then.
tl::expected<std::uint64_t, std::string> JsonlFile::cut(File& file, const FileState& state) {
    if (in_doubt_) {
        spdlog::warn(
            "what was {} has another name now, and could not be cut back to its {} whole bytes: "
            "what is behind them in it is stored again here",
            path_, end_);
    }
    auto end = whole_lines(file, state.size);
    if (end && *end < state.size) {
        if (const auto error = file.truncate(*end)) {
            return tl::make_unexpected(sentence("cut back", error));
        }
        spdlog::warn("{}: cut {} bytes at its end, of a write that was not completed", path_,
                     state.size - *end);
    }
    return end;
}

tl::expected<std::uint64_t, std::string> JsonlFile::whole_lines(File& file, std::uint64_t size) {
    const auto end = end_of_last_line(file, size, kLongestLine);
    if (!end) {
        return tl::make_unexpected(sentence("read", end.error()));
    }
    if (!*end) {
        return tl::make_unexpected(fmt::format(
            "cannot use {}: no line ends in its last {} MiB, and it was not written by this sink",
            path_, kLongestLine / kMebibyte));
    }
    const auto torn = **end == size ? IoResult<bool>(true) : is_torn_line(file, **end, size);
    if (!torn) {
        return tl::make_unexpected(sentence("read", torn.error()));
    }
    if (!*torn) {
        return tl::make_unexpected(fmt::format(
            "cannot use {}: its last line has no end, and was not written by this sink", path_));
    }
    return **end;
}

tl::expected<void, std::string> JsonlFile::append(std::string_view lines) {
    if (const auto error = write(lines)) {
        // Now is when it most likely can be cut: later it may have been moved, or this program
        // ended. Whether that comes to the disk, open() will see.
        in_doubt_ = file_->truncate(end_);
        stale_ = true;
        return tl::make_unexpected(sentence(fmt::format("write {} bytes to", lines.size()), error));
    }
    end_ += lines.size();
    return {};
}

std::error_code JsonlFile::write(std::string_view lines) {
    while (!lines.empty()) {
        const auto bytes = file_->append(lines);
        if (!bytes) {
            return bytes.error();
        }
        lines.remove_prefix(*bytes);
    }
    return file_->sync();
}

}  // namespace blocky
