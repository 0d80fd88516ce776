// Publish what is not settled yet, read back first where the duplicate window may have ended.
#include "consumer/sinks/nats.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/units.hpp"
#include "consumer/sinks/arrival_times.hpp"
#include "consumer/sinks/stored_message.hpp"
#include "consumer/sinks/stored_summary.hpp"

namespace blocky {
namespace {

// All headers' names and line ends, the time, and the longest number of a batch: 166 bytes.
constexpr std::uint64_t kHeaderBytes = 170;
// Of the id of a message that has none, beside the run.
constexpr std::uint64_t kNumberBytes = 21;
constexpr auto kProgressEvery = std::chrono::seconds(5);

bool has_outer_space(std::string_view text) {
    return text.starts_with(' ') || text.ends_with(' ');
}

BatchResult fail(std::string reason) {
    return tl::make_unexpected(SinkFailure{SinkFailure::Kind::kTransient, std::move(reason)});
}

}  // namespace

NatsSink::NatsSink(std::unique_ptr<JetStream> stream, std::string run)
    : stream_(std::move(stream)),
      run_(std::move(run)),
      last_sequence_(stream_->traits().last_sequence) {}

BatchResult NatsSink::process(const Batch& batch) {
    if (std::exchange(batch_, batch.number) != batch.number) {
        settled_.clear();
    }
    auto trouble = stream_->trouble();
    const auto ids = stored_ids(batch);
    if (!trouble) {
        trouble = read_back_if_needed(ids);
    }
    if (!trouble) {
        trouble = publish(unsettled(batch, ids));
    }
    failing_ = trouble.has_value();
    return trouble ? fail(std::move(*trouble)) : verdicts_for(ids);
}

std::vector<std::string> NatsSink::stored_ids(const Batch& batch) const {
    std::vector<std::string> ids;
    ids.reserve(batch.messages.size());
    for (const auto& message : batch.messages) {
        ids.push_back(stored_id(message, run_));
    }
    return ids;
}

// The messages that no earlier try has settled; of those with the same id the first.
std::vector<Publication> NatsSink::unsettled(const Batch& batch,
                                             const std::vector<std::string>& ids) {
    std::vector<Publication> publications;
    publications.reserve(ids.size());
    std::unordered_set<std::string_view> seen;
    ArrivalTimes arrivals;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto& message = batch.messages[i];
        if (!settled_.contains(ids[i]) && seen.insert(ids[i]).second) {
            publications.push_back({ids[i], message.producer, message.value, batch.number,
                                    std::string(arrivals.text(message.received_at))});
        }
    }
    return publications;
}

// Settles what was sent so long ago that the servers may have forgotten its id, and is stored.
std::optional<std::string> NatsSink::read_back_if_needed(const std::vector<std::string>& ids) {
    const auto now = Clock::now();
    Search search{{}, now, last_sequence_};
    auto oldest = now;
    for (const auto& id : ids) {
        const auto sent = unanswered_.empty() ? std::nullopt : unanswered_.find(id);
        if (sent && must_be_read_back(*sent, now, stream_->traits().duplicate_window)) {
            search.missing.insert(id);
            search.after = std::min(search.after, sent->after_sequence);
            oldest = std::min(oldest, sent->first_at);
        }
    }
    const auto concerned = search.missing.size();
    if (concerned == 0) {
        return std::nullopt;
    }
    auto trouble = read_back(search);
    last_sequence_ = std::max(last_sequence_, search.after);
    for (const auto id : search.missing) {
        if (trouble) {
            unanswered_.was_absent_up_to(id, search.after);
        } else {
            unanswered_.was_absent(id, {now, search.after});
        }
    }
    if (!trouble) {
        spdlog::info(
            "the stream {} gave no answer for {}, and knows an id again for {}: {} of the {} "
            "messages concerned were in it already",
            stream_->traits().name, describe(now - oldest),
            describe(stream_->traits().duplicate_window), concerned - search.missing.size(),
            concerned);
    }
    return trouble;
}

// Part by part, until all are found or the stream ends.
std::optional<std::string> NatsSink::read_back(Search& search) {
    auto say_at = search.began + kProgressEvery;
    for (bool at_end = false; !at_end && !search.missing.empty();) {
        const auto part = stream_->read_back(search.after);
        if (!part) {
            return part.error();
        }
        for (const auto& id : part->ids) {
            if (search.missing.erase(id) != 0) {
                settled_.emplace(id, Verdict{});
                unanswered_.remove(id);
            }
        }
        search.after = part->last_sequence;
        at_end = part->at_end;
        if (Clock::now() > say_at) {
            say_at += kProgressEvery;
            spdlog::info("reading the stream {} back: at its message {}, {} are still looked for",
                         stream_->traits().name, search.after, search.missing.size());
        }
    }
    return std::nullopt;
}

// After a failure one message goes first: a stream without a leader would refuse each of thousands
// at once, time and again.
std::optional<std::string> NatsSink::publish(const std::vector<Publication>& publications) {
    if (!failing_ || publications.size() < 2) {
        return publish_part(publications);
    }
    if (auto trouble = publish_part({publications.front()})) {
        return trouble;
    }
    return publish_part({publications.begin() + 1, publications.end()});
}

std::optional<std::string> NatsSink::publish_part(const std::vector<Publication>& part) {
    const UnansweredIds::Sent sent{Clock::now(), last_sequence_};
    const auto acks = stream_->publish(part);
    std::optional<std::string> trouble;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const auto& id = part[i].id;
        if (acks[i].kind == PubAck::Kind::kUnanswered) {
            unanswered_.add(id, sent);
            trouble = trouble ? trouble : acks[i].reason;
        } else {
            settled_.emplace(id, verdict_of(id, acks[i]));
            unanswered_.remove(id);
            last_sequence_ = std::max(last_sequence_, acks[i].sequence);
        }
    }
    return trouble;
}

// A duplicate of what this sink itself has sent before, and got no answer for, is stored now.
Verdict NatsSink::verdict_of(const std::string& id, const PubAck& ack) {
    if (ack.kind == PubAck::Kind::kRefused) {
        return {Verdict::Kind::kRejected, ack.reason};
    }
    if (ack.kind == PubAck::Kind::kStored) {
        return {};
    }
    const auto sent = unanswered_.find(id);
    const bool own = sent && ack.sequence > sent->after_sequence;
    return {own ? Verdict::Kind::kStored : Verdict::Kind::kDuplicate, {}};
}

BatchResult NatsSink::verdicts_for(const std::vector<std::string>& ids) const {
    std::vector<Verdict> verdicts;
    verdicts.reserve(ids.size());
    std::unordered_set<std::string_view> seen;
    ArrivalTimes arrivals;
    for (const auto& id : ids) {
        verdicts.push_back(settled_.at(id));
        if (!seen.insert(id).second && verdicts.back().processed()) {
            verdicts.back().kind = Verdict::Kind::kDuplicate;
        }
    }
    return verdicts;
}

std::optional<std::string> NatsSink::objection_to(const PushRequest& request) const {
    const auto& stream = stream_->traits();
    const auto id_bytes = std::max(request.id.size(), run_.size() + kNumberBytes);
    const auto bytes = request.value.size() + id_bytes + request.producer.size() + run_.size() +
                       stream.name.size() + kHeaderBytes;
    if (bytes > stream.most_bytes) {
        return fmt::format(
            "with its headers the message has up to {} bytes, and the stream {} takes {}", bytes,
            stream.name, stream.most_bytes);
    }
    // Servers cut them off, so that two ids would become one.
    if (has_outer_space(request.id)) {
        return "the sink nats takes no `id` that begins or ends with a space";
    }
    return std::nullopt;
}

Summary NatsSink::summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const {
    const StoredCounts counts(verdicts);
    auto text = fmt::format("{} in the stream {}", counts.words("message"), stream_->traits().name);
    if (counts.duplicates > 0) {
        text += fmt::format(", which had {} already", counts.duplicates);
    }
    const bool whole = counts.stored + counts.duplicates == batch.messages.size();
    return {counts.json(), text + (whole ? " ✅" : " ❌")};
}

}  // namespace blocky
