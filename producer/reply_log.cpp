// Formats replies.
#include "producer/reply_log.hpp"

#include <cerrno>
#include <cstdio>
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

}  // namespace

void ReplyLog::acknowledged(std::string_view id, const Acknowledgement& acknowledgement) {
    if (format_ == ReplyFormat::kText) {
        print(text_line(id, acknowledgement));
    } else if (format_ == ReplyFormat::kJson) {
        print(acknowledgement.body);
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
    line += '\n';
    if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() ||
        std::fflush(stdout) != 0) {
        broken_ = true;
        spdlog::warn("stdout takes no more replies ({}): pushing goes on without printing them",
                     std::generic_category().message(errno));
    }
}

}  // namespace blocky
