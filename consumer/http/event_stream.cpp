// Looks at the board, ten times a second at most, and tells what is new.
#include "consumer/http/event_stream.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <tuple>

#include <fmt/format.h>

#include "consumer/http/status_json.hpp"

namespace blocky {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kShortestPause = milliseconds(100);
constexpr Duration kLongestWait =
    seconds(1);  // then it is looked whether the reader is still there
constexpr Duration kLongestSilence = seconds(15);

std::string event(std::string_view kind, std::string_view data) {
    return fmt::format("event: {}\ndata: {}\n\n", kind, data);
}

// What of a sink's status is worth telling without another snapshot.
auto telling(const SinkStatus& sink) {
    return std::tie(sink.busy_since, sink.batch, sink.failing_since, sink.reason, sink.failed_calls,
                    sink.dead_letters);
}

}  // namespace

void Ending::begin() {
    {
        const std::lock_guard lock(mutex_);
        begun_ = true;
    }
    changed_.notify_all();
}

bool Ending::has_begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
}

bool Ending::wait_until(TimePoint time) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, time, [this] { return begun_; });
}

std::optional<std::string> EventStream::next() {
    if (over_) {
        return std::nullopt;
    }
    if (!begun_) {
        begun_ = true;
        woken_at_ = sent_at_ = Clock::now();
        return begin();
    }
    if (ending_.wait_until(woken_at_ + kShortestPause)) {
        return last();
    }
    const auto latest = board_.wait_for_other(seen_, kLongestWait);
    woken_at_ = Clock::now();
    if (ending_.has_begun()) {
        return last();
    }
    const bool is_new = latest != seen_ || telling(board_.sink()) != telling(sink_);
    seen_ = latest;
    auto text = is_new && seen_ ? news() : std::string();
    if (text.empty() && woken_at_ - sent_at_ >= kLongestSilence) {
        text = ": beat\n\n";
    }
    sent_at_ = text.empty() ? sent_at_ : woken_at_;
    return text;
}

std::string EventStream::begin() {
    seen_ = board_.latest();
    batch_ = known_batch();
    return "retry: 1000\n\n" + (seen_ ? news() : std::string());
}

std::string EventStream::last() {
    over_ = true;
    seen_ = board_.latest();
    if (!seen_) {
        return {};
    }
    // The router may hang, and never have said that it has ended.
    if (seen_->state != Snapshot::State::kStopped) {
        auto stopped = std::make_shared<Snapshot>(*seen_);
        stopped->state = Snapshot::State::kStopped;
        seen_ = stopped;
    }
    return news();
}

std::string EventStream::news() {
    std::string text;
    add_batches(text);
    if (request_.with_state) {
        add_state(text);
    }
    return text;
}

void EventStream::add_batches(std::string& text) {
    std::string data;
    for (const auto& batch : seen_->batches) {
        if (batch->number > batch_) {
            data += "data: " + batch->line + "\n";
            batch_ = batch->number;
        }
    }
    if (!data.empty()) {
        text += fmt::format("event: batch\nid: {}-{}\n{}\n", seen_->info->run, batch_, data);
    }
}

void EventStream::add_state(std::string& text) {
    const auto& producers = seen_->producers;
    if (roster_ != producers.version) {
        roster_ = producers.version;
        text += event("roster", roster_json(producers));
    }
    sink_ = board_.sink();
    text += event("state", state_json(*seen_, sink_, Clock::now()));
}

// What the reader knows of this run, or else the latest: of the past nothing is told unasked.
std::uint64_t EventStream::known_batch() const {
    if (!seen_ || seen_->batches.empty()) {
        return 0;
    }
    const auto latest = seen_->batches.back()->number;
    const auto prefix = seen_->info->run + "-";
    if (request_.last_event_id.starts_with(prefix)) {
        const auto number = std::string_view(request_.last_event_id).substr(prefix.size());
        const auto* const end = number.data() + number.size();
        std::uint64_t known = 0;
        const auto [stop, error] = std::from_chars(number.data(), end, known);
        if (error == std::errc{} && stop == end) {
            return std::min(known, latest);
        }
    }
    return latest;
}

}  // namespace blocky
