// Decode, refuse or hold, answer.
#include "consumer/reception.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace blocky {
namespace {

// So many requests are decoded before the first of them is admitted: Batcher::expect().
constexpr std::size_t kDecodedAhead = 16;

// What could never be held is refused as too large, whichever limit is the lowest. A bundle's body
// may be larger: its messages are held one by one.
std::uint64_t message_limit(const BatcherOptions& options) {
    return std::min(
        {options.max_bytes, options.max_held_bytes, options.max_held_bytes_per_producer});
}

}  // namespace

Reception::Reception(std::uint64_t max_message_bytes, const BatcherOptions& options,
                     const Sink& sink, Gate& gate, Metrics& metrics, Send send)
    : most_bytes_(message_limit(options)),
      answer_on_receipt_(options.answer_on_receipt),
      sink_(sink),
      gate_(gate),
      metrics_(metrics),
      send_(std::move(send)),
      decoder_(max_message_bytes),
      decoded_(kDecodedAhead) {}

void Reception::admit(Batcher& batcher, std::vector<Incoming>& incoming, TimePoint now) {
    for (std::size_t begin = 0; begin < incoming.size(); begin += kDecodedAhead) {
        const auto count = std::min(kDecodedAhead, incoming.size() - begin);
        for (std::size_t i = 0; i < count; ++i) {
            decode(batcher, incoming[begin + i], decoded_[i]);
        }
        for (std::size_t i = 0; i < count; ++i) {
            admit_one(batcher, incoming[begin + i], decoded_[i], now);
        }
    }
    incoming.clear();
}

void Reception::decode(const Batcher& batcher, const Incoming& incoming, Decoded& decoded) {
    auto& [refusal, body, id] = decoded;
    if (!incoming.request.has_one_body) {
        refusal = {ErrorCode::kBadRequest,
                   "a request has exactly one frame after the empty delimiter",
                   {}};
        return;
    }
    refusal = decoder_.decode(view(incoming.request.body), body);
    if (!refusal) {
        refusal = gate_.identify(incoming.request, body);
    }
    if (!refusal && !body.bundle) {
        id = batcher.expect(body.messages.front().request);
    }
}

void Reception::admit_one(Batcher& batcher, Incoming& incoming, const Decoded& decoded,
                          TimePoint now) {
    if (decoded.refusal) {
        refuse({std::move(incoming.request.envelope), nullptr, 0}, *decoded.refusal);
    } else if (decoded.body.bundle) {
        admit_bundle(batcher, incoming, decoded.body, now);
    } else if (const auto refusal = refusal_of(decoded.body.messages.front())) {
        refuse({std::move(incoming.request.envelope), nullptr, 0}, *refusal);
    } else {
        admit_message(batcher, incoming, decoded, now);
    }
}

// Why a message is refused whatever is held: by its size, by the decoder, or by the sink.
std::optional<Refusal> Reception::refusal_of(const DecodedMessage& message) const {
    if (const auto most = most_bytes_; message.bytes > most) {
        return Refusal{ErrorCode::kTooLarge,
                       fmt::format("the message has {} bytes; this consumer takes at most {}",
                                   message.bytes, most),
                       std::string(message.request.id)};
    }
    if (message.refusal) {
        return message.refusal;
    }
    if (auto objection = sink_.objection_to(message.request)) {
        return Refusal{ErrorCode::kBadRequest, std::move(*objection),
                       std::string(message.request.id)};
    }
    return std::nullopt;
}

void Reception::admit_message(Batcher& batcher, Incoming& incoming, const Decoded& decoded,
                              TimePoint now) {
    // The envelope's text may move with it, and must not take the connection's name along.
    const std::string connection(incoming.request.envelope.connection());
    const auto& message = decoded.body.messages.front();
    Claim claim{std::move(incoming.request.envelope), nullptr, 0};
    const auto reply = batcher.admit(
        {message.request, message.bytes, connection, incoming.live, decoded.id}, claim, now);
    if (reply) {
        answer(claim, *reply);
    }
}

void Reception::admit_bundle(Batcher& batcher, Incoming& incoming, const DecodedBody& body,
                             TimePoint now) {
    const auto bundle = std::make_shared<Bundle>();
    bundle->envelope = std::move(incoming.request.envelope);
    bundle->size = bundle->open = body.messages.size();
    const auto connection = bundle->envelope.connection();
    std::vector<Batcher::Arrival> members;
    std::vector<std::uint32_t> places;
    for (std::uint32_t place = 0; place < body.messages.size(); ++place) {
        const auto& message = body.messages[place];
        if (const auto refusal = refusal_of(message)) {
            refuse({{}, bundle, place}, *refusal);
        } else {
            members.push_back({message.request, message.bytes, connection, incoming.live});
            places.push_back(place);
        }
    }
    batcher.begin_bundle(members, now);
    for (std::size_t i = 0; i < members.size(); ++i) {
        Claim claim{{}, bundle, places[i]};
        if (const auto reply = batcher.admit(members[i], claim, now)) {
            answer(claim, *reply);
        }
    }
    batcher.end_bundle(now, bundle->done() ? 0 : bundle->kept_bytes());
}

void Reception::release(HeldBatch& held, const std::vector<Verdict>& verdicts) {
    if (!answer_on_receipt_) {
        blocky::release(held, verdicts, send_);
    }
}

void Reception::answer_expired(Batcher& batcher, TimePoint now) {
    for (const auto& [claim, id] : batcher.take_expired(now)) {
        refuse(claim, {ErrorCode::kExpired, "the message was not processed by its deadline", id});
    }
}

void Reception::refuse_held(Batcher& batcher, ErrorCode code, std::string_view message,
                            TimePoint now) {
    for (const auto& held : batcher.abandon(now)) {
        if (answer_on_receipt_) {
            continue;
        }
        const auto refuse_one = [&](const Claim& claim, std::size_t index) {
            refuse(claim,
                   {code, std::string(message), std::string(held.batch->messages[index].id)});
        };
        for (std::size_t i = 0; i < held.waiters.size(); ++i) {
            refuse_one(held.waiters[i].claim, i);
        }
        for (const auto& share : held.shares) {
            refuse_one(share.claim, share.index);
        }
    }
}

void Reception::refuse(const Claim& claim, const Refusal& refusal) {
    Reply reply;
    reply.ok = false;
    reply.id = refusal.id;
    reply.code = refusal.code;
    reply.message = refusal.message;
    answer(claim, reply);
}

// One message's reply outside of any batch; that of a bundle goes out with its last one.
void Reception::answer(const Claim& claim, const Reply& reply) {
    metrics_.count(reply);
    if (!claim.bundle) {
        send_(claim.envelope, encode(reply), Sharing::kNone);
        return;
    }
    claim.bundle->settle(claim.place, encode(reply));
    if (claim.bundle->done()) {
        send_(claim.bundle->envelope, mixed_reply(*claim.bundle), Sharing::kNone);
    }
}

}  // namespace blocky
