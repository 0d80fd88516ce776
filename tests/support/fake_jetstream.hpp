// A stream that stores in memory, knows ids for as long as the test says, and fails as it is told.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "consumer/sinks/jetstream.hpp"

namespace blocky::test {

class FakeJetStream : public JetStream {
public:
    StreamTraits stream{"EVENTS", std::chrono::hours(1), 0, 1U << 20U};
    std::vector<Publication> stored;            // in the order of their sequences, from 1
    std::map<std::string, std::size_t> window;  // the ids that it knows again
    std::vector<std::size_t> sizes;             // of each call to publish()
    std::vector<std::uint64_t> read_from;

    std::optional<std::string> down;  // not even connected
    std::size_t answers = SIZE_MAX;   // so many more, then none; what is sent is stored
    bool stores_unanswered = true;
    std::string refuses;  // a value
    std::optional<std::string> unreadable;
    std::size_t part_size = SIZE_MAX;       // of a part that is read back
    std::size_t readable_parts = SIZE_MAX;  // then it is unreadable

    const StreamTraits& traits() const override { return stream; }
    std::optional<std::string> trouble() override { return down; }

    std::vector<PubAck> publish(const std::vector<Publication>& publications) override {
        sizes.push_back(publications.size());
        std::vector<PubAck> acks;
        for (const auto& publication : publications) {
            const bool answered = answers > 0;
            answers -= answered && answers != SIZE_MAX ? 1 : 0;
            auto ack = answered || stores_unanswered ? store(publication) : PubAck{};
            acks.push_back(answered ? ack : PubAck{PubAck::Kind::kUnanswered, 0, "no answer"});
        }
        return acks;
    }

    tl::expected<ReadBack, std::string> read_back(std::uint64_t after_sequence) override {
        read_from.push_back(after_sequence);
        if (unreadable || readable_parts == 0) {
            return tl::make_unexpected(unreadable.value_or("no more parts"));
        }
        --readable_parts;
        const auto end = after_sequence + std::min(part_size, stored.size() - after_sequence);
        ReadBack part{{}, end, end == stored.size()};
        for (auto i = after_sequence; i < end; ++i) {
            part.ids.insert(stored[i].id);
        }
        return part;
    }

    std::vector<std::string> stored_ids() const {
        std::vector<std::string> ids;
        std::ranges::transform(stored, std::back_inserter(ids), &Publication::id);
        return ids;
    }

private:
    PubAck store(const Publication& publication) {
        if (publication.value == refuses) {
            return {PubAck::Kind::kRefused, 0, "too large"};
        }
        const auto [known, is_new] = window.try_emplace(publication.id, stored.size() + 1);
        if (is_new) {
            stored.push_back(publication);
        }
        return {is_new ? PubAck::Kind::kStored : PubAck::Kind::kDuplicate, known->second, {}};
    }
};

}  // namespace blocky::test
