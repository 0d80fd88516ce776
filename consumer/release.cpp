// The four things that can have become of a message, and of a bundle.
#include "consumer/release.hpp"

#include <fmt/format.h>

#include "common/json_text.hpp"

namespace blocky {

Reply reply_to(const Batch& batch, std::size_t index, const Verdict& verdict) {
    Reply reply;
    reply.id = batch.messages[index].id;
    switch (verdict.kind) {
        case Verdict::Kind::kStored:
            reply.batch = batch.number;
            reply.size = batch.messages.size();
            reply.result = verdict.detail;
            break;
        case Verdict::Kind::kDuplicate:
            reply.duplicate = true;
            break;
        case Verdict::Kind::kRejected:
        case Verdict::Kind::kFailed:
            reply.ok = false;
            reply.code = verdict.kind == Verdict::Kind::kRejected ? ErrorCode::kRejected
                                                                  : ErrorCode::kSinkFailed;
            reply.message = verdict.detail;
            break;
    }
    return reply;
}

std::string mixed_reply(const Bundle& bundle) {
    std::string json = "{\"status\":\"mixed\",\"replies\":[";
    for (const auto& reply : bundle.replies) {
        json.append(reply).append(1, ',');
    }
    json.back() = ']';
    return json + '}';
}

std::string uniform_reply(std::size_t count, const Batch& batch, std::string_view result) {
    const auto member = result.empty() ? std::string() : fmt::format(",\"result\":{}", result);
    return fmt::format(R"({{"status":"ok","count":{},"batch":{},"size":{}{}}})", count,
                       batch.number, batch.messages.size(), member);
}

std::string_view ReplyWriter::write(std::size_t index, const Verdict& verdict) {
    const auto id = batch_.messages[index].id;
    if (verdict.kind != Verdict::Kind::kStored) {
        sharing_ = Sharing::kNone;
        text_ = encode(reply_to(batch_, index, verdict));
        return text_;
    }
    const bool same_result = result_ != nullptr && *result_ == verdict.detail;
    if (same_result && id.empty() && sharing_ != Sharing::kNone) {
        sharing_ = Sharing::kAgain;
        return text_;
    }
    if (!same_result) {
        result_ = &verdict.detail;
        tail_ = fmt::format(",\"batch\":{},\"size\":{}", batch_.number, batch_.messages.size());
        if (!verdict.detail.empty()) {
            tail_.append(",\"result\":").append(verdict.detail);
        }
        tail_ += '}';
    }
    sharing_ = id.empty() ? Sharing::kFirst : Sharing::kNone;
    text_ = "{\"status\":\"ok\"";
    if (!id.empty()) {
        text_ += ",\"id\":";
        append_json_string(text_, id);
    }
    text_ += tail_;
    return text_;
}

void tally(HeldBatch& held, const std::vector<Verdict>& verdicts) {
    const auto count = [&](const Claim& claim, std::size_t index, bool duplicate) {
        auto& tally = claim.bundle->tally;
        const auto& verdict = verdicts[index];
        if (tally.batch != held.batch->number) {
            tally = {held.batch->number, 0, &verdict, true};
        }
        ++tally.verdicts;
        tally.alike = tally.alike && !duplicate && verdict.kind == Verdict::Kind::kStored &&
                      verdict.detail == tally.first->detail;
    };
    for (std::size_t i = 0; i < held.waiters.size(); ++i) {
        if (held.waiters[i].claim.bundle) {
            count(held.waiters[i].claim, i, false);
        }
    }
    for (const auto& share : held.shares) {
        count(share.claim, share.index, share.duplicate);
    }
}

}  // namespace blocky
