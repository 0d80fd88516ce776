// The words for what became of a push.
#include "producer/push.hpp"

#include <poll.h>

#include <utility>

#include <fmt/format.h>

#include "common/units.hpp"

namespace blocky {

PushFailure refused(std::string reason, std::string body) {
    return {PushFailure::Kind::kRefused, std::move(reason), std::move(body)};
}

PushFailure too_large(std::size_t bytes, std::size_t limit) {
    return refused(
        fmt::format("too_large: the request has {} bytes, the limit is {}", bytes, limit), {});
}

PushFailure given_up(const ClientOptions& options, const std::string& trouble) {
    const auto after = describe(options.retry_for.value_or(Duration::zero()));
    return {PushFailure::Kind::kGaveUp, fmt::format("given up after {}: {}", after, trouble), {}};
}

PushFailure barred(std::string reason) {
    return {PushFailure::Kind::kBarred, std::move(reason), {}};
}

PushFailure stopped(bool ever_sent, const std::string& trouble) {
    const auto kind = ever_sent ? PushFailure::Kind::kStopped : PushFailure::Kind::kNotSent;
    return {kind, "stopped: " + trouble, {}};
}

std::string describe(const ReceivedReply& error) {
    return fmt::format("{}: {}", error.code, error.message);
}

bool answers(const ReceivedReply& reply, std::string_view id) {
    return reply.id == id || (!reply.ok && reply.id.empty());
}

bool is_readable(int descriptor) {
    pollfd item{descriptor, POLLIN, 0};
    return descriptor >= 0 && poll(&item, 1, 0) == 1;
}

}  // namespace blocky
