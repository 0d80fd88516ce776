// Formats replies.
#include "producer/reply_log.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <system_error>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace blocky {
namespace {

std::string text_line(std::string_view id, const Acknowledgement& acknowledgement) {
    const auto& reply = acknowledgement.reply;
    auto line = fmt::format("{} ok", id);
    if (reply.batch > 0) {
        line += fmt::format(" batch={} size={}", reply.batch, reply.size);
    }
    if (!reply.result.empty()) {
        line += fmt::format(" result={}", reply.result);
    }
    if (reply.duplicate) {
        line += " duplicate";
    }
    return line + fmt::format(" (held {:.0f} ms)", to_milliseconds(acknowledgement.held));
}

// The reply as it was, or, of a bundle's, the part that is this message's.
std::string json_line(std::string_view id, const Acknowledgement& acknowledgement) {
    if (!acknowledgement.body.empty()) {
        return acknowledgement.body;
    }
    Reply reply;
    reply.id = id;
    reply.batch = acknowledgement.reply.batch;
    reply.size = acknowledgement.reply.size;
    reply.result = acknowledgement.reply.result;
    return encode(reply);
}

}  // namespace

void ReplyLog::acknowledged(std::string_view id, const Acknowledgement& acknowledgement) {
    if (format_ == ReplyFormat::kText) {
        print(text_line(id, acknowledgement));
    } else if (format_ == ReplyFormat::kJson) {
        print(json_line(id, acknowledgement));
    }
}

void ReplyLog::refused(std::string_view id, const PushFailure& failure) {
    if (format_ == ReplyFormat::kText) {
        print(fmt::format("{} error {}", id, failure.reason));
    } else if (format_ == ReplyFormat::kJson && !failure.body.empty()) {
        print(failure.body);
    }
}

void ReplyLog::print(std::string line) {
    if (broken_) {
        return;
    }
    // Between the members of a foreign consumer's reply, or in its words for a person.
    std::ranges::replace(line, '\n', ' ');
    line += '\n';
    if (!write_all(line)) {
        broken_ = true;
        spdlog::warn("stdout takes no more replies ({}): pushing goes on without printing them",
                     std::generic_category().message(errno));
    }
}

// False, with errno set, when stdout fails, or has no room and the program is to stop.
bool ReplyLog::write_all(std::string_view text) const {
    while (!text.empty()) {
        std::array<pollfd, 2> items{{{STDOUT_FILENO, POLLOUT, 0}, {stop_descriptor_, POLLIN, 0}}};
        poll(items.data(), items.size(), -1);
        if (items[0].revents == 0) {
            errno = EAGAIN;
            return false;
        }
        // So much a pipe that is writable takes without waiting: pipe(7).
        const auto written =
            write(STDOUT_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return true;
}

}  // namespace blocky
