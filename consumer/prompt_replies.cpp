// Whoever is busy for long is asked again once a second at least, and for short a hundred times.
#include "consumer/prompt_replies.hpp"

#include <algorithm>

namespace blocky {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLeastRetryAfter{10};
constexpr milliseconds kMostRetryAfter{1000};

}  // namespace

Reply duplicate_reply(const PushRequest& request) {
    Reply reply;
    reply.id = request.id;
    reply.duplicate = true;
    return reply;
}

Reply error_reply(const PushRequest& request, ErrorCode code, std::string_view message) {
    Reply reply;
    reply.ok = false;
    reply.id = request.id;
    reply.code = code;
    reply.message = message;
    return reply;
}

Reply busy_reply(const PushRequest& request, std::string_view why, std::optional<Duration> wait) {
    auto reply = error_reply(request, ErrorCode::kBusy, why);
    const auto rounded = std::chrono::ceil<milliseconds>(wait.value_or(Duration::zero()));
    reply.retry_after = std::clamp(rounded, kLeastRetryAfter, kMostRetryAfter);
    return reply;
}

}  // namespace blocky
