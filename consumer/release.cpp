// The four things that can have become of a message.
#include "consumer/release.hpp"

namespace blocky {

Reply reply_to(const Batch& batch, std::size_t index, const Verdict& verdict) {
    Reply reply;
    reply.id = batch.messages[index].id();
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

}  // namespace blocky
