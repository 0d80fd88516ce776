// Copies what is shown, and no more than that.
#include "consumer/status_reporter.hpp"

#include <utility>

namespace blocky {

void StatusReporter::batch_over(std::uint64_t number, std::string line) {
    if (batches_.size() == kBatchesRemembered) {
        batches_.pop_front();
    }
    batches_.push_back(std::make_shared<const BatchEvent>(BatchEvent{number, std::move(line)}));
    changed_ = true;
}

std::optional<TimePoint> StatusReporter::due_at() const {
    if (!changed_) {
        return std::nullopt;
    }
    return put_up_at_ ? *put_up_at_ + kBetweenSnapshots : TimePoint::min();
}

void StatusReporter::turned(const Standing& standing, TimePoint now) {
    board_.beat(now);
    if (standing.state != state_ || board_.sink_failures_and_ends() != sink_failures_and_ends_) {
        state_ = standing.state;
        sink_failures_and_ends_ = board_.sink_failures_and_ends();
        changed_ = true;
    }
    if (const auto due = due_at(); due && now >= *due) {
        put_up(standing, now);
    }
}

void StatusReporter::put_up(const Standing& standing, TimePoint now) {
    const auto& batcher = standing.batcher;
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->info = info_;
    snapshot->state = standing.state;
    snapshot->taken_at = now;
    snapshot->metrics = standing.metrics;
    snapshot->log_lines_dropped = standing.log_lines_dropped;
    snapshot->held_messages = batcher.held();
    snapshot->held_bytes = batcher.held_bytes();
    snapshot->open = {batcher.open().size(), batcher.open().batch->bytes, batcher.timer_due_at()};
    if (const auto* const flying = batcher.in_flight()) {
        snapshot->in_flight = {flying->batch->number, flying->size(), flying->batch->closed_at};
    }
    snapshot->in_line = batcher.in_line();
    snapshot->producers = producers(batcher);
    snapshot->sink = board_.sink();
    snapshot->batches.assign(batches_.begin(), batches_.end());
    board_.put_up(std::move(snapshot));
    put_up_at_ = now;
    changed_ = false;
}

ProducersStatus StatusReporter::producers(const Batcher& batcher) {
    const auto& roster = batcher.roster();
    if (!names_ || names_version_ != roster.version()) {
        names_ = std::make_shared<const std::vector<std::string>>(roster.names(kProducersShown));
        names_version_ = roster.version();
    }
    const bool holds = !info_->answers_on_receipt;
    const auto closed = batcher.in_line() + (batcher.in_flight() != nullptr ? 1U : 0U);
    auto marks = roster.marks(kProducersShown, holds ? closed : 0);
    ProducersStatus status;
    status.live = roster.live();
    status.held = holds ? marks.busy : 0;
    status.in_open = roster.present();
    status.missing = roster.missing(info_->barrier.value_or(0));
    status.version = names_version_;
    status.names = names_;
    status.marks = std::move(marks.of_each);
    return status;
}

}  // namespace blocky
