// Requests out, replies in, and what is between them.
#include "producer/pipeline.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "common/invariant.hpp"

namespace blocky {
namespace {

// The replies of one batch differ in nothing but the id. One that says {"status":"ok","id": and the
// very id that was sent, and then goes on as one that was read in full, is JSON and says the same.
constexpr std::string_view kOkHead = "{\"status\":\"ok\",\"id\":";

// What follows the id in such a reply; empty where it is written in another way.
std::string tail_after_id(const OpenMessage& message, std::string_view body) {
    const auto id = message.text.id();
    const bool usual = body.starts_with(kOkHead) && body.substr(kOkHead.size()).starts_with(id);
    return std::string(usual ? body.substr(kOkHead.size() + id.size()) : std::string_view());
}

bool is_of(ErrorCode code, const ReceivedReply& reply) {
    return reply.code == to_string(code);
}

}  // namespace

Pipeline::Pipeline(const PipelineOptions& options, std::uint64_t seed)
    : options_(options),
      text_(options.client.name, options.client.deadline),
      window_(options.in_flight, seed),
      backoff_(kFirstRetry, kLongestRetry, seed) {}

bool Pipeline::has_room() const {
    return !window_.full() && (window_.empty() || window_.bytes() < options_.in_flight_bytes);
}

void Pipeline::push(std::string_view value, std::string_view id, PushCallback callback,
                    TimePoint now, std::string_view producer) {
    invariant(producer.empty() || options_.client.name.empty(), "a message has one producer");
    auto& message = window_.add(value, id, producer);
    message.callback = std::move(callback);
    message.pushed_at = now;
    const auto bytes = text_.plain_bytes(message.text);
    if (bytes > options_.client.max_message_bytes) {
        fail(message, too_large(bytes, options_.client.max_message_bytes));
    } else if (options_.client.retry_for) {
        check_give_up_at_ = std::min(check_give_up_at_, now + *options_.client.retry_for);
    }
}

const OpenRequest* Pipeline::next_request(std::size_t enough, TimePoint now) {
    if (window_.waiting() < enough || holding_back_ || leaving_) {
        return nullptr;
    }
    auto& request = window_.open_request(now);
    auto bytes = text_.empty_bundle_bytes();
    bool alone = false;
    while (window_.waiting() > 0 && request.messages.size() < options_.bundle && !alone) {
        const auto& next = window_.first_waiting();
        const bool first = request.messages.empty();
        bytes += RequestText::member_bytes(next.text, first);
        if (!first && (next.alone || bytes > options_.client.max_message_bytes)) {
            break;
        }
        alone = next.alone;
        window_.send_first_waiting(request);
    }
    check_timeout_at_ = std::min(check_timeout_at_, now + options_.client.timeout);
    return &request;
}

std::size_t Pipeline::bytes_of(const OpenRequest& request) const {
    const auto& messages = request.messages;
    if (messages.size() == 1) {
        return text_.plain_bytes(messages.front()->text);
    }
    auto bytes = text_.empty_bundle_bytes();
    for (const auto* const message : messages) {
        bytes += RequestText::member_bytes(message->text, message == messages.front());
    }
    return bytes;
}

void Pipeline::write(const OpenRequest& request, char* to) const {
    const auto& messages = request.messages;
    if (messages.size() == 1) {
        text_.write_plain(to, messages.front()->text);
        return;
    }
    to = text_.begin_bundle(to);
    for (const auto* const message : messages) {
        to = RequestText::write_member(to, message->text, message == messages.front());
    }
    RequestText::end_bundle(to);
}

void Pipeline::take_reply(std::uint64_t tag, std::string_view body, TimePoint now) {
    now_ = now;
    auto* const request = window_.find(tag);
    if (request == nullptr) {
        return;  // late: what it answers has been sent again
    }
    window_.close(*request);
    if (request->messages.size() > 1) {
        take_bundle(*request, body);
    } else if (request->messages.front() != nullptr) {
        take_single(*request->messages.front(), body);
    }
}

void Pipeline::take_single(OpenMessage& message, std::string_view body) {
    if (repeats_last_ok(message, body)) {
        outcome_->reply.id = message.id;
        outcome_->body = body;
        acknowledge(message);
        return;
    }
    const auto reply = decode_reply(body);
    if (!reply || !answers(*reply, message.id)) {
        not_understood(message, body);
        return;
    }
    auto tail = reply->ok ? tail_after_id(message, body) : std::string();
    judge(message, *reply, body);
    last_ok_tail_ = std::move(tail);
}

void Pipeline::take_bundle(const OpenRequest& request, std::string_view body) {
    const auto reply = decode_bundle_reply(body);
    const auto count = request.messages.size();
    if (!reply || (reply->all && reply->all->ok && reply->count != count) ||
        (!reply->all && reply->members.size() != count)) {
        not_understood(request, body);
    } else if (!reply->all) {
        take_mixed(request, *reply);
    } else if (!reply->all->ok && !reply->all->retry) {
        take_refused(request, *reply->all);
    } else {
        take_uniform(request, *reply->all);
    }
}

void Pipeline::take_uniform(const OpenRequest& request, const ReceivedReply& reply) {
    last_ok_tail_.clear();
    outcome_->reply = reply;
    outcome_->body.clear();
    for (auto* const message : request.messages) {
        if (message == nullptr) {
            continue;
        }
        if (reply.ok) {
            outcome_->reply.id = message->id;
            acknowledge(*message);
        } else {
            retry(*message, reply);
        }
    }
}

void Pipeline::take_mixed(const OpenRequest& request, const ReceivedBundleReply& reply) {
    for (std::size_t i = 0; i < request.messages.size(); ++i) {
        auto* const message = request.messages[i];
        const auto& member = reply.members[i];
        if (message == nullptr) {
            continue;
        }
        if (member.reply && answers(*member.reply, message->id)) {
            judge(*message, *member.reply, member.text);
        } else {
            not_understood(*message, member.text);
        }
    }
}

// Each message goes again on its own, so that only the one at fault is reported.
void Pipeline::take_refused(const OpenRequest& request, const ReceivedReply& reply) {
    trouble_ = describe(reply);
    for (auto* const message : request.messages) {
        if (message != nullptr) {
            message->alone = true;
            window_.put_back(*message);
        }
    }
    window_.order_waiting();
}

bool Pipeline::repeats_last_ok(const OpenMessage& message, std::string_view body) const {
    const auto id = message.text.id();
    return !last_ok_tail_.empty() &&
           body.size() == kOkHead.size() + id.size() + last_ok_tail_.size() &&
           body.starts_with(kOkHead) && body.substr(kOkHead.size()).starts_with(id) &&
           body.ends_with(last_ok_tail_);
}

void Pipeline::judge(OpenMessage& message, const ReceivedReply& reply, std::string_view body) {
    if (!reply.ok && reply.retry) {
        retry(message, reply);
    } else if (!reply.ok) {
        fail(message, refused(describe(reply), std::string(body)));
    } else {
        last_ok_tail_.clear();
        outcome_->reply = reply;
        outcome_->reply.id = message.id;
        outcome_->body = body;
        acknowledge(message);
    }
}

// A reply that is not understood is no acknowledgement: what it was for is sent again.
void Pipeline::not_understood(const OpenRequest& request, std::string_view body) {
    for (auto* const message : request.messages) {
        if (message != nullptr) {
            not_understood(*message, body);
        }
    }
}

void Pipeline::not_understood(OpenMessage& message, std::string_view body) {
    trouble_ = "the replies are not understood";
    if (now_ - std::chrono::seconds(1) >= warned_at_) {
        warned_at_ = now_;
        spdlog::warn("a reply is not understood and taken for none: {:.200}", body);
    }
    pause(message, next_delay());
}

void Pipeline::retry(OpenMessage& message, const ReceivedReply& reply) {
    trouble_ = describe(reply);
    const bool busy = is_of(ErrorCode::kBusy, reply);
    const bool shutting_down = is_of(ErrorCode::kShuttingDown, reply);
    // More of the same would only be sent back.
    holding_back_ = holding_back_ || busy || shutting_down;
    leaving_ = leaving_ || (shutting_down && options_.client.endpoints.size() > 1);
    if (reply.retry_after) {
        pause(message, *reply.retry_after);
        resume_at_ = std::max(resume_at_, now_ + *reply.retry_after);
    } else {
        pause(message, next_delay());
    }
}

// All that must wait do so together, until the pause is over that the first of them has begun.
void Pipeline::pause(OpenMessage& message, Duration delay) {
    resume_at_ = window_.paused() ? resume_at_ : now_ + delay;
    window_.pause(message);
}

// Grows from pause to pause, not from message to message.
Duration Pipeline::next_delay() {
    return window_.paused() ? Duration::zero() : backoff_.next();
}

void Pipeline::acknowledge(OpenMessage& message) {
    outcome_->held = now_ - message.pushed_at;
    outcome_->at = now_;
    backoff_.reset();
    ++outcomes_;
    window_.release(message);
    std::exchange(message.callback, nullptr)(message.id, outcome_);
}

void Pipeline::fail(OpenMessage& message, PushFailure failure) {
    ++outcomes_;
    window_.release(message);
    std::exchange(message.callback, nullptr)(message.id, tl::make_unexpected(std::move(failure)));
}

void Pipeline::put_back_sent() {
    window_.put_back_sent();
}

void Pipeline::expire(TimePoint now) {
    now_ = now;
    if (now >= check_give_up_at_) {
        give_up_late();
    }
    if (now >= resume_at_) {
        resume_at_ = TimePoint::max();
        holding_back_ = false;
        window_.resume();
    }
}

void Pipeline::give_up_late() {
    const auto retry_for = *options_.client.retry_for;
    for (auto* const message : window_.select([this, retry_for](const OpenMessage& open) {
             return now_ - open.pushed_at >= retry_for;
         })) {
        fail(*message, given_up(options_.client, trouble_));
    }
    const auto oldest = window_.oldest_pushed();
    check_give_up_at_ = oldest == TimePoint::max() ? oldest : oldest + retry_for;
}

void Pipeline::stop(bool over) {
    const auto is_over = [over](const OpenMessage& message) {
        return over || message.state != OpenMessage::State::kSent;
    };
    for (auto* const message : window_.select(is_over)) {
        fail(*message, stopped(message->ever_sent, trouble_));
    }
}

void Pipeline::bar(const std::string& why) {
    for (auto* const message : window_.select([](const OpenMessage&) { return true; })) {
        fail(*message, barred(why));
    }
}

bool Pipeline::is_silent(TimePoint now) {
    if (now < check_timeout_at_) {
        return false;
    }
    const auto oldest = window_.oldest_sent();
    check_timeout_at_ = oldest == TimePoint::max() ? oldest : oldest + options_.client.timeout;
    return now >= check_timeout_at_;
}

void Pipeline::arrive(TimePoint now) {
    check_timeout_at_ = TimePoint::max();
    if (std::exchange(leaving_, false)) {
        resume_at_ = now;
    }
    window_.put_back_sent();
}

TimePoint Pipeline::due() const {
    return std::min({check_timeout_at_, check_give_up_at_, resume_at_});
}

}  // namespace blocky
