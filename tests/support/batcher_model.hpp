// The batcher and, beside it, what it must do, written down as simply as possible: a list of all
// accepted messages, who is to be answered for each, and how many of them have gone to the sink.
// Every step does something random to both and compares.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "consumer/batcher.hpp"
#include "tests/support/random.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {

class BatcherModel {
public:
    explicit BatcherModel(Random& random)
        : random_(random), options_(random_options(random)), batcher_(options_, {7}, at(0s)) {}

    void step() {
        switch (random_.below(8)) {
            case 0:
                now_ += Duration(random_.below(random_.one_in(10) ? 10'000 : 40));
                break;
            case 1:
            case 2:
                take();
                break;
            case 3:
                complete();
                break;
            default:
                push();
        }
        REQUIRE(batcher_.held() == held_);
        REQUIRE(batcher_.idle() == (held_ == 0));
    }

    // Faults off: everyone who is held is answered.
    void finish() {
        batcher_.drain();
        draining_ = true;
        for (std::size_t turn = 0; turn <= accepted_.size() && held_ > 0; ++turn) {
            take();
            complete();
        }
        take();
        REQUIRE(batcher_.idle());
        REQUIRE(taken_ == accepted_.size());
        REQUIRE(std::ranges::all_of(accepted_, &Accepted::released));
    }

private:
    struct Accepted {
        std::string id;
        std::string value;
        std::size_t bytes;
        TimePoint arrival;
        std::string sender;  // the newest one
        bool released = false;
    };

    static BatcherOptions random_options(Random& random) {
        BatcherOptions options;
        options.interval = Duration(random.between(1, 100));
        options.max_items = random.between(1, 8);
        options.max_bytes = random.between(20, 100);
        options.max_held = random.between(1, 30);
        options.max_held_bytes = random.between(20, 600);
        options.dedup_window = random.below(12);
        options.answer_on_receipt = random.one_in(6);
        return options;
    }

    void push() {
        const auto sender = "c" + std::to_string(++senders_);
        const auto id = random_.one_in(3) ? "" : "id-" + std::to_string(random_.below(40));
        const auto value = std::to_string(senders_);
        const auto bytes = random_.between(1, random_.one_in(5) ? options_.max_bytes : 20);
        auto envelope = envelope_from(sender);
        const auto pushed = request(value, id);
        const auto reply = batcher_.admit(pushed, bytes, envelope, at(now_));
        const bool on_receipt = options_.answer_on_receipt;
        const auto held_as = held_ids_.find(id);
        if (std::ranges::count(committed_, id) > 0 || (on_receipt && held_as != held_ids_.end())) {
            REQUIRE((reply && reply->ok && reply->duplicate));
        } else if (held_as != held_ids_.end()) {
            REQUIRE_FALSE(reply);
            accepted_[held_as->second].sender = sender;
        } else if (draining_) {
            REQUIRE((reply && !reply->ok && reply->code == ErrorCode::kShuttingDown));
        } else if (held_ >= options_.max_held || held_bytes_ + bytes > options_.max_held_bytes) {
            REQUIRE((reply && !reply->ok && reply->code == ErrorCode::kBusy));
            REQUIRE(reply->retry_after > 0ms);
        } else {
            REQUIRE(reply.has_value() == on_receipt);
            REQUIRE((!reply || (reply->ok && !reply->duplicate)));
            if (!id.empty()) {
                held_ids_[id] = accepted_.size();
            }
            accepted_.push_back({id, value, bytes, at(now_), sender});
            ++held_;
            held_bytes_ += bytes;
        }
        REQUIRE((!reply || reply->id == id));
        // Who is answered at once keeps its envelope, for the reply.
        REQUIRE(envelope.connection() == (reply ? sender : ""));
    }

    std::uint64_t ticks_due() const {
        return 1 + static_cast<std::uint64_t>(now_ / options_.interval);
    }

    void take() {
        const auto batch = batcher_.take_due(at(now_));
        const auto deadline = batcher_.deadline();
        if (!batch) {
            const auto waiting = accepted_.size() - taken_;
            REQUIRE((in_flight_ || waiting < options_.max_items));
            REQUIRE((in_flight_ || !draining_ || waiting == 0));
            REQUIRE((in_flight_ || draining_ || ticks_ == ticks_due()));
            REQUIRE(deadline.has_value() == (!in_flight_ && !draining_));
            REQUIRE((!deadline || *deadline > at(now_)));
            return;
        }
        REQUIRE_FALSE(in_flight_);
        REQUIRE(batch->number == ++batches_);
        REQUIRE(batch->closed_at <= at(now_));
        check_contents(*batch);
        check_trigger(*batch);
        if (!batch->messages.empty()) {
            in_flight_ = batch;
        }
    }

    // The next messages in order of arrival, none left out, none twice.
    void check_contents(const Batch& batch) {
        std::size_t bytes = 0;
        REQUIRE(taken_ + batch.messages.size() <= accepted_.size());
        for (const auto& message : batch.messages) {
            const auto& accepted = accepted_[taken_++];
            REQUIRE(message.number() == taken_);
            REQUIRE(message.value() == accepted.value);
            REQUIRE(message.id() == accepted.id);
            bytes += accepted.bytes;
        }
        REQUIRE(batch.bytes == bytes);
        REQUIRE(bytes <= options_.max_bytes);
        REQUIRE(batch.messages.size() <= options_.max_items);
        REQUIRE(batch.producers <= batch.messages.size());
    }

    void check_trigger(const Batch& batch) {
        const bool took_all = taken_ == accepted_.size();
        switch (batch.trigger) {
            case Trigger::kTimer:
                REQUIRE((took_all && !draining_ && ticks_ < ticks_due()));
                ticks_ = ticks_due();
                break;
            case Trigger::kItems:
                REQUIRE(batch.messages.size() == options_.max_items);
                break;
            case Trigger::kBytes:
                REQUIRE((batch.bytes == options_.max_bytes ||
                         batch.bytes + accepted_.at(taken_).bytes > options_.max_bytes));
                break;
            case Trigger::kDrain:
                REQUIRE((took_all && draining_ && !batch.messages.empty()));
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
        const auto done = batcher_.complete(verdicts);
        REQUIRE(done.batch == in_flight_);
        REQUIRE(done.waiters.size() == verdicts.size());
        for (std::size_t i = 0; i < verdicts.size(); ++i) {
            auto& accepted = accepted_[in_flight_->messages[i].number() - 1];
            REQUIRE(done.waiters[i].envelope.connection() == accepted.sender);
            REQUIRE(done.waiters[i].arrival == accepted.arrival);
            REQUIRE_FALSE(accepted.released);
            accepted.released = true;
            --held_;
            held_bytes_ -= accepted.bytes;
            held_ids_.erase(accepted.id);
            if (verdicts[i].processed() && !accepted.id.empty()) {
                committed_.push_back(accepted.id);
            }
            if (committed_.size() > options_.dedup_window) {
                committed_.pop_front();
            }
        }
        in_flight_.reset();
    }

    Random& random_;
    BatcherOptions options_;
    Batcher batcher_;
    Duration now_{0};
    std::vector<Accepted> accepted_;
    std::size_t taken_ = 0;  // of accepted_, by batches so far
    std::map<std::string, std::size_t> held_ids_;
    std::deque<std::string> committed_;
    std::shared_ptr<const Batch> in_flight_;
    std::uint64_t batches_ = 0;
    std::uint64_t ticks_ = 0;  // that have closed a batch, or were slept through
    std::uint64_t senders_ = 0;
    std::uint64_t held_ = 0;
    std::uint64_t held_bytes_ = 0;
    bool draining_ = false;
};

}  // namespace blocky::test
