// The checks.
#include "tests/simulation/referee.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace blocky::simulation {
namespace {

void require(bool holds, const std::string& otherwise) {
    if (!holds) {
        throw Violation(otherwise);
    }
}

}  // namespace

void Referee::sent(const std::string& tag, const std::string& connection, std::vector<Item> items) {
    requests_[tag] = {connection, std::move(items), 0, 0, false};
    connections_.insert(connection);
}

void Referee::delivered(const std::string& tag, std::uint64_t consumer) {
    auto& request = requests_.at(tag);
    request.delivered_to = consumer;
    request.delivery = ++deliveries_;
    for (const auto& item : request.items) {
        latest_[item.id] = request.delivery;
    }
}

void Referee::replied(const std::vector<std::string>& envelope, std::string_view body,
                      TimePoint now) {
    require(envelope.size() == 3 && envelope[2].empty(), "an envelope with other frames");
    const auto found = requests_.find(envelope[1]);
    require(found != requests_.end(), "a reply to a request that was never made");
    auto& [tag, request] = *found;
    require(request.connection == envelope[0],
            fmt::format("the reply to {} went to another connection", tag));
    require(request.delivered_to != 0, fmt::format("a reply to {}, which never came", tag));
    require(!request.answered, fmt::format("two replies to {}", tag));
    request.answered = true;
    if (request.items.size() > 1) {
        check_bundle(request, body, now);
        return;
    }
    const auto reply = decode_reply(body);
    require(reply.has_value(), fmt::format("no reply to {}: {}", tag, body));
    check_one(request.items[0], *reply, now);
}

void Referee::check_bundle(const Request& request, std::string_view body, TimePoint now) const {
    const auto reply = decode_bundle_reply(body);
    require(reply.has_value(), fmt::format("no reply to a bundle: {}", body));
    if (reply->all && !reply->all->ok) {
        return;  // none was taken
    }
    if (reply->all) {
        require(reply->count == request.items.size(), "a bundle's reply with another count");
        for (const auto& item : request.items) {
            check_ok(item, *reply->all, now);
        }
        return;
    }
    require(reply->members.size() == request.items.size(), "a bundle's reply of another size");
    for (std::size_t i = 0; i < request.items.size(); ++i) {
        require(reply->members[i].reply.has_value(), "a bundle's reply with a part that is none");
        check_one(request.items[i], *reply->members[i].reply, now);
    }
}

void Referee::check_one(const Item& item, const ReceivedReply& reply, TimePoint now) const {
    require(reply.id == item.id,
            fmt::format("the reply to \"{}\" is about \"{}\"", item.id, reply.id));
    if (reply.ok) {
        check_ok(item, reply, now);
    }
}

// No `ok` before its commit, and the batch that is named is the one that it was committed in.
void Referee::check_ok(const Item& item, const ReceivedReply& reply, TimePoint now) const {
    const auto found = commits_.find(item.value);
    const auto is_it = [&](const Commit& commit) {
        return commit.at <= now &&
               (reply.duplicate || reply.batch == 0 || commit.batch == reply.batch);
    };
    require(found != commits_.end() && std::ranges::any_of(found->second, is_it),
            fmt::format("ok for {} (id \"{}\"), which is not committed", item.value, item.id));
}

void Referee::dispatched(const Batch& batch, std::uint64_t consumer) {
    if (std::exchange(consumer_, consumer) != consumer) {
        last_batch_ = 0;
        last_message_ = 0;
    }
    ++last_batch_;
    require(batch.number == last_batch_,
            fmt::format("batch {} came where {} was due", batch.number, last_batch_));
    require(batch.messages.size() <= scenario_.batcher.max_items,
            fmt::format("a batch of {} messages", batch.messages.size()));
    require(batch.bytes <= scenario_.batcher.max_bytes,
            fmt::format("a batch of {} bytes", batch.bytes));
    for (const auto& message : batch.messages) {
        require(message.number > last_message_, "messages left the order in which they came");
        last_message_ = message.number;
    }
}

void Referee::committed(const Message& message, std::uint64_t batch, TimePoint at) {
    auto& commits = commits_[std::string(message.value)];
    if (!message.id.empty() && !commits.empty()) {
        committed_twice_ = fmt::format("{} (id \"{}\")", message.value, message.id);
    }
    commits.push_back({batch, at});
}

void Referee::rolled_back(TimePoint after) {
    for (auto& [value, commits] : commits_) {
        std::erase_if(commits, [after](const Commit& commit) { return commit.at > after; });
    }
}

void Referee::check_turn(const Batcher& batcher) const {
    require(committed_twice_.empty(), committed_twice_ + " is committed twice");
    const auto& limits = scenario_.batcher;
    require(batcher.held() <= limits.max_held, fmt::format("{} held", batcher.held()));
    // What a bundle keeps of replies, and what a message that is taken over counts for more, comes
    // on top: nobody can be refused for it any more.
    if (scenario_.calm() && !scenario_.bundles()) {
        require(batcher.held_bytes() <= limits.max_held_bytes,
                fmt::format("{} bytes held", batcher.held_bytes()));
        for (const auto& connection : connections_) {
            const auto holding = batcher.roster().holding(connection);
            require(holding.messages <= limits.max_held_per_producer,
                    fmt::format("{} held of one producer", holding.messages));
        }
    }
}

// The newest sender of a message that is held has taken its place.
bool Referee::is_superseded(const Request& request) const {
    const auto& id = request.items[0].id;
    return !id.empty() && latest_.at(id) > request.delivery;
}

// A bundle waits for its one reply though others have sent its messages again, but not beyond its
// connection.
void Referee::check_end(std::uint64_t consumer) const {
    for (const auto& [tag, request] : requests_) {
        if (request.delivered_to != consumer || request.answered) {
            continue;
        }
        require(request.items.size() == 1 ? is_superseded(request)
                                          : ended_.contains(request.connection),
                fmt::format("{} was never answered", tag));
    }
}

}  // namespace blocky::simulation
