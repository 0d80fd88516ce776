// All lanes' questions go out at once, each with a reply subject of its own; who is answered asks
// on.
#include "consumer/sinks/stream_reader.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/units.hpp"
#include "consumer/sinks/stream_message.hpp"
#include "consumer/sinks/stream_part.hpp"

namespace blocky {
namespace {

class Reader {
public:
    Reader(natsConnection* connection, const std::string& stream, const std::string& subject)
        : connection_(connection),
          api_(fmt::format("$JS.API.STREAM.MSG.GET.{}", stream)),
          subject_(subject) {}

    // Why it cannot be done, as each of these.
    std::optional<std::string> open() {
        natsInbox* inbox = nullptr;
        auto status = natsInbox_Create(&inbox);
        const NatsInbox owner(inbox);
        if (status == NATS_OK) {
            inbox_ = fmt::format("{}.", inbox);
            natsSubscription* made = nullptr;
            status = natsConnection_SubscribeSync(&made, connection_, (inbox_ + "*").c_str());
            subscription_.reset(made);
        }
        if (status == NATS_OK) {
            // There are never more answers than lanes, and none may be dropped.
            status = natsSubscription_SetPendingLimits(subscription_.get(), -1, -1);
        }
        return status == NATS_OK ? std::nullopt : std::optional(nats_error(status));
    }

    std::optional<std::string> ask(std::size_t lane, std::uint64_t sequence) {
        const auto question = nlohmann::json{{"seq", sequence}, {"next_by_subj", subject_}}.dump();
        const auto status = natsConnection_PublishRequestString(
            connection_, api_.c_str(), fmt::format("{}{}", inbox_, lane).c_str(), question.c_str());
        return status == NATS_OK ? std::nullopt : std::optional(nats_error(status));
    }

    // Waits for an answer, gives it to its lane, and asks that lane's next question.
    std::optional<std::string> follow_answer(StreamPart& part, Duration patience) {
        natsMsg* got = nullptr;
        const auto status = natsSubscription_NextMsg(
            &got, subscription_.get(),
            std::chrono::duration_cast<std::chrono::milliseconds>(patience).count());
        const NatsMessage answer(got);
        if (status != NATS_OK) {
            return nats_error(status);
        }
        if (natsMsg_IsNoResponders(got)) {
            return "nobody answers for it: it has no leader at the moment, or is gone";
        }
        const std::string_view text(natsMsg_GetData(got),
                                    static_cast<std::size_t>(natsMsg_GetDataLength(got)));
        const auto message = parse_stream_message(text);
        const auto lane =
            parse_count(std::string_view(natsMsg_GetSubject(got)).substr(inbox_.size()), 0);
        if (!message || !lane || *lane >= StreamPart::kLanes || !part.answer(*lane, *message)) {
            return std::string(text.substr(0, kShown));
        }
        const auto next = part.question(*lane);
        return next ? ask(*lane, *next) : std::nullopt;
    }

private:
    static constexpr std::size_t kShown = 200;  // of an answer that is not understood

    natsConnection* connection_;
    std::string api_;
    std::string subject_;
    std::string inbox_;  // with the dot that the lane's number follows
    NatsSubscription subscription_;
};

}  // namespace

tl::expected<ReadBack, std::string> read_part(natsConnection* connection, const std::string& stream,
                                              const std::string& subject,
                                              std::uint64_t after_sequence, Duration patience) {
    StreamPart part(after_sequence);
    Reader reader(connection, stream, subject);
    auto trouble = reader.open();
    for (std::size_t lane = 0; lane < StreamPart::kLanes && !trouble; ++lane) {
        trouble = reader.ask(lane, part.question(lane).value());
    }
    while (!part.done() && !trouble) {
        trouble = reader.follow_answer(part, patience);
    }
    if (trouble) {
        return tl::make_unexpected(
            fmt::format("the stream {} cannot be read back: {}", stream, *trouble));
    }
    return part.take();
}

}  // namespace blocky
