// The batcher and, beside it, what it must do, written down as simply as possible: lists of the
// messages that are open, in line and in flight, who waits for each, and who is connected. Every
// step does something random to both, as the router would, and compares: which batch is due, of
// what, why, and who was missing; what is refused; who is answered, and that nobody is twice.
#pragma once

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "consumer/batcher.hpp"
#include "consumer/release.hpp"
#include "tests/support/random.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {

class BatcherModel {
public:
    explicit BatcherModel(Random& random)
        : random_(random), options_(random_options(random)), batcher_(options_, {7}, at(0s)) {
        if (!options_.linger) {
            due_ = 0ms;
        }
    }

    void step() {
        switch (random_.below(11)) {
            case 0:
                now_ += Milliseconds(random_.below(random_.one_in(10) ? 10'000 : 40));
                break;
            case 1:
            case 2:
                take();
                break;
            case 3:
                complete();
                break;
            case 4:
                expire();
                break;
            case 5:
                lose_connection();
                break;
            case 6:
                push_bundle();
                break;
            default:
                push_alone();
        }
        REQUIRE(batcher_.held() == count_held());
        REQUIRE(batcher_.idle() == (count_held() == 0));
        REQUIRE(batcher_.roster().live() == live_.size());
        if (!connected_.empty()) {
            const auto& connection = random_.pick(connected_);
            const auto [messages, bytes] = holding(connection);
            REQUIRE(batcher_.roster().holding(connection).messages == messages);
            REQUIRE(batcher_.roster().holding(connection).bytes == bytes);
        }
    }

    // Faults off: everyone who is held is answered, by a drain or, if that fails, all at once.
    void finish() {
        batcher_.drain();
        draining_ = true;
        if (random_.one_in(4)) {
            abandon();
        }
        for (auto turns = count_held() + closed_.size() + 2; turns > 0; --turns) {
            take();
            complete();
        }
        REQUIRE(batcher_.idle());
        REQUIRE(count_held() == 0);
        for (const auto& sender : senders_) {
            REQUIRE(sender.answers == (sender.given_up ? 0 : 1));
        }
    }

private:
    using Milliseconds = std::chrono::milliseconds;

    // Who sent a request, alone or a bundle, and how often it was answered.
    struct Sender {
        std::string connection;
        std::shared_ptr<Bundle> bundle;  // null: alone
        bool given_up = false;           // a newer request has taken over, and nobody waits here
        int answers = 0;
    };
    // A sender by its index, and a place in its bundle.
    using Wait = std::pair<std::size_t, std::uint32_t>;
    struct Shared {
        Wait wait;
        bool duplicate;
    };
    struct Held {
        std::uint64_t number;
        std::string id;
        std::string value;
        std::size_t bytes;
        std::size_t charge;  // what it counts for in max_held_bytes
        Duration arrival;
        std::optional<Duration> expires;
        Wait owner;
        std::string connection;
        std::vector<Shared> shares;
    };
    struct Closed {
        std::uint64_t number;
        Trigger trigger;
        Duration closed_at;
        std::size_t producers;
        std::optional<Attendance> attendance;
        std::vector<Held> messages;
    };
    // What is to come in, and from where.
    struct Push {
        std::string value;
        std::string id;
        std::string connection;
        std::size_t bytes;
        Milliseconds deadline;
        bool alive;
        Wait wait;
    };
    enum class Outcome { kHeld, kAnswered, kDuplicate, kBusy, kShuttingDown };

    static constexpr std::size_t kShareBytes = 64;

    static BatcherOptions random_options(Random& random) {
        BatcherOptions options;
        options.interval = Milliseconds(random.between(1, 100));
        if (random.one_in(2)) {
            options.linger = Milliseconds(random.below(50));
        }
        if (random.one_in(2)) {
            options.barrier = random.between(1, 4);
        }
        options.max_items = random.between(1, 8);
        options.max_bytes = random.between(20, 100);
        options.max_held = random.between(1, 30);
        options.max_held_bytes = random.between(20, 600);
        options.max_held_per_producer = random.between(1, 15);
        options.max_held_bytes_per_producer = random.between(100, 300);
        options.dedup_window = random.below(12);
        options.answer_on_receipt = random.one_in(6);
        return options;
    }

    // Requests

    // A connection that is there, at times a new one, or one that has ended while it was read from.
    std::pair<std::string, bool> random_connection() {
        if (!ended_.empty() && random_.one_in(10)) {
            return {random_.pick(ended_), false};
        }
        if (connected_.empty() || (connected_.size() < 5 && random_.one_in(5))) {
            connected_.push_back("c" + std::to_string(++connections_));
        }
        return {random_.pick(connected_), true};
    }

    Push random_push(const std::string& connection, bool alive, Wait wait) {
        const auto id = random_.one_in(3) ? "" : "id-" + std::to_string(random_.below(40));
        const auto bytes = random_.between(1, random_.one_in(5) ? options_.max_bytes : 20);
        const auto deadline = Milliseconds(random_.one_in(3) ? random_.between(1, 60) : 0);
        return {std::to_string(++values_), id, connection, bytes, deadline, alive, wait};
    }

    Envelope envelope_of(std::size_t sender) const {
        Envelope envelope;
        envelope.append(senders_[sender].connection);
        envelope.append(std::to_string(sender));
        envelope.append("");
        return envelope;
    }

    void push_alone() {
        const auto [connection, alive] = random_connection();
        const auto sender = senders_.size();
        senders_.push_back({connection, nullptr});
        const auto push = random_push(connection, alive, {sender, 0});
        Claim claim{envelope_of(sender), nullptr, 0};
        admit(push, request_of(push), claim);
    }

    void push_bundle() {
        const auto [connection, alive] = random_connection();
        const auto sender = senders_.size();
        const auto bundle = std::make_shared<Bundle>();
        senders_.push_back({connection, bundle});
        bundle->envelope = envelope_of(sender);
        bundle->size = bundle->open = random_.between(1, 10);
        std::vector<Push> pushes;
        for (std::uint32_t place = 0; place < bundle->size; ++place) {
            pushes.push_back(random_push(connection, alive, {sender, place}));
        }
        std::vector<PushRequest> requests;
        std::ranges::transform(pushes, std::back_inserter(requests), &BatcherModel::request_of);
        std::vector<Batcher::Arrival> arrivals;
        for (std::size_t i = 0; i < pushes.size(); ++i) {
            arrivals.push_back({requests[i], pushes[i].bytes, pushes[i].connection, alive});
        }
        batcher_.begin_bundle(arrivals, at(now_));
        make_room_for(pushes);
        in_bundle_ = true;
        for (std::size_t i = 0; i < pushes.size(); ++i) {
            Claim claim{{}, bundle, pushes[i].wait.second};
            admit(pushes[i], requests[i], claim);
        }
        batcher_.end_bundle(at(now_));
        in_bundle_ = false;
        close_if_full();
    }

    // A view: the push must outlive it.
    static PushRequest request_of(const Push& push) {
        auto pushed = request(push.value, push.id);
        pushed.producer = push.connection;
        pushed.deadline = push.deadline;
        return pushed;
    }

    void admit(const Push& push, const PushRequest& pushed, Claim& claim) {
        const auto reply =
            batcher_.admit({pushed, push.bytes, push.connection, push.alive}, claim, at(now_));
        const auto outcome = expected(push);
        REQUIRE(reply.has_value() == (outcome != Outcome::kHeld));
        // Who is answered at once keeps its envelope, for the reply.
        REQUIRE(claim.connection() == (reply ? push.connection : ""));
        if (!reply) {
            return;
        }
        const bool ok = outcome == Outcome::kAnswered || outcome == Outcome::kDuplicate;
        REQUIRE(reply->id == push.id);
        REQUIRE(reply->ok == ok);
        REQUIRE(reply->duplicate == (outcome == Outcome::kDuplicate));
        const auto code = outcome == Outcome::kBusy ? ErrorCode::kBusy : ErrorCode::kShuttingDown;
        REQUIRE((ok || reply->code == code));
        REQUIRE((outcome != Outcome::kBusy || reply->retry_after > 0ms));
        answer(claim);
    }

    // What the batcher is to say to a message, in the order of the protocol.
    Outcome expected(const Push& push) {
        auto* const same = push.id.empty() ? nullptr : find_held(push.id);
        if (is_committed(push.id) || (same != nullptr && options_.answer_on_receipt)) {
            return Outcome::kDuplicate;
        }
        if (same != nullptr) {
            return take_over(*same, push);
        }
        if (draining_) {
            return Outcome::kShuttingDown;
        }
        if (count_held() >= options_.max_held || closed_.size() >= options_.max_held ||
            held_bytes() + push.bytes > options_.max_held_bytes) {
            return Outcome::kBusy;
        }
        const auto [messages, bytes] = holding(push.connection);
        if (messages >= options_.max_held_per_producer ||
            bytes + push.bytes > options_.max_held_bytes_per_producer) {
            return Outcome::kBusy;
        }
        hold(push);
        return options_.answer_on_receipt ? Outcome::kAnswered : Outcome::kHeld;
    }

    // The newest sender gets the reply; a bundle that is still connected gets its own, too.
    Outcome take_over(Held& held, const Push& push) {
        auto& older = senders_[held.owner.first];
        const bool twice = held.owner.first == push.wait.first;
        const bool older_waits = older.bundle && live_.contains(older.connection);
        if (twice || older_waits) {
            const auto own = holding(push.connection).second + kShareBytes;
            if (held_bytes() + kShareBytes > options_.max_held_bytes ||
                own > options_.max_held_bytes_per_producer) {
                return Outcome::kBusy;
            }
            held.charge += kShareBytes;
            held.shares.push_back({twice ? push.wait : held.owner, twice});
        } else {
            older.given_up = true;
        }
        if (!twice) {
            held.owner = push.wait;
            held.connection = push.connection;
            meet(push);
            close_if_full();
        }
        return Outcome::kHeld;
    }

    void hold(const Push& push) {
        if (bytes_of(open_) + push.bytes > options_.max_bytes) {
            close(Trigger::kBytes);
        }
        if (open_.empty() && options_.linger) {
            due_ = now_ + *options_.linger;
        }
        std::optional<Duration> expires;
        if (push.deadline > 0ms && !options_.answer_on_receipt) {
            expires = now_ + push.deadline;
        }
        open_.push_back({++accepted_,
                         push.id,
                         push.value,
                         push.bytes,
                         push.bytes,
                         now_,
                         expires,
                         push.wait,
                         push.connection,
                         {}});
        meet(push);
        close_if_full();
    }

    void meet(const Push& push) {
        if (push.alive) {
            live_.insert(push.connection);
        }
    }

    // A bundle that fits a batch is not split.
    void make_room_for(const std::vector<Push>& pushes) {
        std::size_t items = 0;
        std::size_t bytes = 0;
        for (const auto& push : pushes) {
            if (!is_committed(push.id) && (push.id.empty() || find_held(push.id) == nullptr)) {
                ++items;
                bytes += push.bytes;
            }
        }
        const bool fits = items <= options_.max_items && bytes <= options_.max_bytes;
        const bool too_many = open_.size() + items > options_.max_items;
        if (!open_.empty() && fits && (too_many || bytes_of(open_) + bytes > options_.max_bytes)) {
            close(too_many ? Trigger::kItems : Trigger::kBytes);
        }
    }

    // Connections

    void lose_connection() {
        if (connected_.empty() || !random_.one_in(3)) {
            return;
        }
        const auto lost = random_.pick(connected_);
        std::erase(connected_, lost);
        ended_.push_back(lost);
        batcher_.forget_connection(lost, at(now_));
        live_.erase(lost);
        close_if_full();
    }

    std::set<std::string> present() const {
        std::set<std::string> connections;
        for (const auto& held : open_) {
            connections.insert(held.connection);
        }
        return connections;
    }

    Attendance attendance() const {
        Attendance attendance{live_.size(), 0, {}};
        std::ranges::set_difference(live_, present(), std::back_inserter(attendance.waiting_for));
        const auto here = live_.size() - attendance.waiting_for.size();
        attendance.missing = std::max<std::size_t>(live_.size(), *options_.barrier) - here;
        return attendance;
    }

    // Batches

    void close(Trigger trigger) {
        Closed closed{++batches_, trigger, now_, present().size(), std::nullopt, open_};
        if (options_.barrier && trigger == Trigger::kTimer) {
            closed.attendance = attendance();
        }
        closed_.push_back(closed);
        open_.clear();
        forget_linger();
    }

    void forget_linger() {
        if (options_.linger) {
            due_.reset();
        }
    }

    void close_if_full() {
        if (open_.size() >= options_.max_items) {
            close(Trigger::kItems);
        } else if (bytes_of(open_) == options_.max_bytes) {
            close(Trigger::kBytes);
        } else if (options_.barrier && !in_bundle_ && attendance().missing == 0) {
            close(Trigger::kBarrier);
        }
    }

    void close_if_due() {
        if (draining_ && !open_.empty()) {
            close(Trigger::kDrain);
        } else if (!draining_ && due_ && *due_ <= now_) {
            if (!options_.linger) {
                *due_ += options_.interval * (1 + (now_ - *due_) / options_.interval);
            }
            close(Trigger::kTimer);
        }
    }

    void take() {
        expire();
        const auto batch = batcher_.take_due(at(now_));
        if (!in_flight_ && closed_.empty()) {
            close_if_due();
        }
        const bool is_due = !in_flight_ && !closed_.empty();
        REQUIRE((batch != nullptr) == is_due);
        check_deadline();
        if (!is_due) {
            return;
        }
        check(*batch, closed_.front());
        if (!batch->messages.empty()) {
            in_flight_ = closed_.front();
            batch_ = batch;
        }
        closed_.pop_front();
    }

    void check(const Batch& batch, const Closed& closed) const {
        REQUIRE(batch.number == closed.number);
        REQUIRE(batch.trigger == closed.trigger);
        REQUIRE(batch.closed_at == at(closed.closed_at));
        REQUIRE(batch.producers == (closed.messages.empty() ? 0 : closed.producers));
        REQUIRE(batch.bytes == bytes_of(closed.messages));
        REQUIRE(batch.bytes <= options_.max_bytes);
        REQUIRE(batch.messages.size() <= options_.max_items);
        REQUIRE(batch.messages.size() == closed.messages.size());
        for (std::size_t i = 0; i < closed.messages.size(); ++i) {
            REQUIRE(batch.messages[i].number == closed.messages[i].number);
            REQUIRE(batch.messages[i].value == closed.messages[i].value);
            REQUIRE(batch.messages[i].id == closed.messages[i].id);
            REQUIRE((!closed.messages[i].expires || *closed.messages[i].expires > now_));
        }
        REQUIRE(batch.attendance.has_value() == closed.attendance.has_value());
        if (batch.attendance) {
            auto names = closed.attendance->waiting_for;
            std::ranges::sort(names);
            REQUIRE(batch.attendance->live == closed.attendance->live);
            REQUIRE(batch.attendance->missing == closed.attendance->missing);
            REQUIRE(batch.attendance->waiting_for == names);
        }
    }

    // The loop is woken in time, and not at once again.
    void check_deadline() {
        const auto deadline = batcher_.deadline();
        const bool timer_runs = !in_flight_ && closed_.empty() && !draining_ && due_.has_value();
        REQUIRE((!timer_runs || (deadline && *deadline <= at(*due_))));
        for (const auto* held : waiting()) {
            REQUIRE((!held->expires || (deadline && *deadline <= at(*held->expires))));
        }
        REQUIRE((in_flight_ || !closed_.empty() || !deadline || *deadline > at(now_)));
    }

    // Answers

    // As the router does: a bundle is answered when its last message is.
    void answer(const Claim& claim) {
        if (claim.bundle) {
            claim.bundle->settle(claim.place, "{}");
        }
        if (!claim.bundle || claim.bundle->done()) {
            ++senders_[wait_of(claim).first].answers;
        }
    }

    static Wait wait_of(const Claim& claim) {
        const auto& envelope = claim.bundle ? claim.bundle->envelope : claim.envelope;
        return {sender_of(envelope), claim.place};
    }
    static std::size_t sender_of(const Envelope& envelope) {
        return std::stoul(frames_of(envelope).at(1));
    }

    void expire() {
        auto expired = waiting();
        std::erase_if(expired,
                      [this](const Held* held) { return !held->expires || *held->expires > now_; });
        std::ranges::sort(
            expired, {}, [](const Held* held) { return std::tuple(*held->expires, held->number); });
        std::vector<std::pair<Wait, std::string>> waits;
        std::set<std::uint64_t> numbers;
        for (const auto* held : expired) {
            numbers.insert(held->number);
            waits.emplace_back(held->owner, held->id);
            for (const auto& share : held->shares) {
                waits.emplace_back(share.wait, held->id);
            }
        }
        const auto released = batcher_.take_expired(at(now_));
        REQUIRE(released.size() == waits.size());
        for (std::size_t i = 0; i < waits.size(); ++i) {
            REQUIRE(wait_of(released[i].claim) == waits[i].first);
            REQUIRE(released[i].id == waits[i].second);
            answer(released[i].claim);
        }
        drop(numbers);
    }

    void drop(const std::set<std::uint64_t>& numbers) {
        const auto is_gone = [&](const Held& held) { return numbers.contains(held.number); };
        for (auto& closed : closed_) {
            std::erase_if(closed.messages, is_gone);
        }
        if (std::erase_if(open_, is_gone) > 0 && open_.empty()) {
            forget_linger();
        }
    }

    void complete() {
        if (!in_flight_) {
            return;
        }
        std::vector<Verdict> verdicts(in_flight_->messages.size());
        for (auto& verdict : verdicts) {
            verdict.kind = static_cast<Verdict::Kind>(random_.one_in(3) ? random_.below(4) : 0);
        }
        auto done = batcher_.complete(verdicts);
        REQUIRE(done.batch == batch_);
        check_waits(done, in_flight_->messages);
        if (!options_.answer_on_receipt) {
            release(done, verdicts, [this](const Envelope& envelope, std::string_view, Sharing) {
                ++senders_[sender_of(envelope)].answers;
            });
        }
        for (std::size_t i = 0; i < verdicts.size(); ++i) {
            const auto& id = in_flight_->messages[i].id;
            if (verdicts[i].processed() && !id.empty()) {
                committed_.push_back(id);
            }
            if (committed_.size() > options_.dedup_window) {
                committed_.pop_front();
            }
        }
        in_flight_.reset();
    }

    // Everyone who waits for these messages is there, in order, once.
    void check_waits(const HeldBatch& done, const std::vector<Held>& messages) const {
        REQUIRE(done.waiters.size() == messages.size());
        std::size_t share = 0;
        for (std::size_t i = 0; i < messages.size(); ++i) {
            REQUIRE(done.waiters[i].arrival == at(messages[i].arrival));
            if (options_.answer_on_receipt) {
                REQUIRE(done.waiters[i].claim.connection().empty());
                continue;
            }
            REQUIRE(wait_of(done.waiters[i].claim) == messages[i].owner);
            for (const auto& [wait, duplicate] : messages[i].shares) {
                const auto& shared = done.shares.at(share++);
                REQUIRE(shared.index == i);
                REQUIRE(wait_of(shared.claim) == wait);
                REQUIRE(shared.duplicate == duplicate);
            }
        }
        REQUIRE(done.shares.size() == share);
    }

    // Nothing will be processed any more, and everyone is told.
    void abandon() {
        std::vector<std::vector<Held>> expected;
        if (in_flight_) {
            expected.push_back(in_flight_->messages);
        }
        if (!open_.empty()) {
            close(Trigger::kDrain);
        }
        std::ranges::transform(closed_, std::back_inserter(expected), &Closed::messages);
        const auto abandoned = batcher_.abandon(at(now_));
        REQUIRE(abandoned.size() == expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            check_waits(abandoned[i], expected[i]);
            if (options_.answer_on_receipt) {
                continue;
            }
            for (const auto& waiter : abandoned[i].waiters) {
                answer(waiter.claim);
            }
            for (const auto& share : abandoned[i].shares) {
                answer(share.claim);
            }
        }
        in_flight_.reset();
        closed_.clear();
    }

    // What is held

    static std::size_t bytes_of(const std::vector<Held>& messages) {
        std::size_t bytes = 0;
        for (const auto& held : messages) {
            bytes += held.bytes;
        }
        return bytes;
    }

    // All that has not gone to the sink.
    std::vector<Held*> waiting() {
        std::vector<Held*> all;
        for (auto& closed : closed_) {
            for (auto& held : closed.messages) {
                all.push_back(&held);
            }
        }
        for (auto& held : open_) {
            all.push_back(&held);
        }
        return all;
    }

    std::vector<Held*> all_held() {
        auto all = waiting();
        if (in_flight_) {
            for (auto& held : in_flight_->messages) {
                all.push_back(&held);
            }
        }
        return all;
    }

    std::size_t count_held() { return all_held().size(); }

    std::size_t held_bytes() {
        std::size_t bytes = 0;
        for (const auto* held : all_held()) {
            bytes += held->charge;
        }
        return bytes;
    }

    // The messages of one connection, and their bytes.
    std::pair<std::size_t, std::size_t> holding(const std::string& connection) {
        std::pair<std::size_t, std::size_t> sums;
        for (const auto* held : all_held()) {
            if (held->connection == connection) {
                ++sums.first;
                sums.second += held->charge;
            }
        }
        return sums;
    }

    Held* find_held(const std::string& id) {
        const auto all = all_held();
        const auto found =
            std::ranges::find_if(all, [&](const Held* held) { return held->id == id; });
        return found == all.end() ? nullptr : *found;
    }

    bool is_committed(const std::string& id) const {
        return std::ranges::count(committed_, id) > 0;
    }

    Random& random_;
    BatcherOptions options_;
    Batcher batcher_;
    Duration now_{0};
    std::optional<Duration> due_;  // when the timer fires
    std::vector<Held> open_;
    std::deque<Closed> closed_;  // in line
    std::optional<Closed> in_flight_;
    std::shared_ptr<const Batch> batch_;  // that is in flight
    std::vector<Sender> senders_;
    std::deque<std::string> committed_;
    std::vector<std::string> connected_;
    std::vector<std::string> ended_;
    std::set<std::string> live_;  // of those connected, who has had a message accepted
    std::uint64_t batches_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t values_ = 0;
    std::uint64_t connections_ = 0;
    bool in_bundle_ = false;
    bool draining_ = false;
};

}  // namespace blocky::test
