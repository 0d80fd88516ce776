// When a snapshot is put up, and what it shows of the producers and the batches.
#include "consumer/status_reporter.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/batcher_fixture.hpp"

namespace blocky::test {
namespace {

struct Reporting : BatcherFixture {
    explicit Reporting(RunInfo info = {}, const BatcherOptions& options = calm_options())
        : BatcherFixture(options), reporter(board, std::move(info)) {}

    std::shared_ptr<const Snapshot> turn(Duration now) {
        reporter.turned({Snapshot::State::kServing, batcher, metrics, 0}, at(now));
        return board.latest();
    }
    std::shared_ptr<const Snapshot> changed(Duration now) {
        reporter.changed();
        return turn(now);
    }

    // What is shown of the producer of this name.
    static char mark(const Snapshot& snapshot, const std::string& name) {
        const auto& names = *snapshot.producers.names;
        REQUIRE(names.size() == snapshot.producers.marks.size());
        const auto found = std::ranges::find(names, name);
        REQUIRE(found != names.end());
        return snapshot.producers.marks.at(static_cast<std::size_t>(found - names.begin()));
    }

    SinkActivity activity;
    StatusBoard board{activity};
    Metrics metrics;
    StatusReporter reporter;
};

TEST_CASE("the first snapshot comes with the first turn, the next one when something has changed") {
    Reporting r;
    CHECK(r.board.latest() == nullptr);
    const auto first = r.turn(1s);
    REQUIRE(first);
    CHECK(first->taken_at == at(1s));
    CHECK_FALSE(r.reporter.due_at());
    CHECK(r.turn(5s) == first);
    CHECK(r.board.last_beat() == at(5s));
    const auto second = r.changed(6s);
    CHECK(second != first);
    CHECK(second->taken_at == at(6s));
}

TEST_CASE("snapshots are at least 100 ms apart, and what has changed meanwhile is due then") {
    Reporting r;
    const auto first = r.turn(0s);
    CHECK(r.changed(1ms) == first);
    CHECK(r.reporter.due_at() == at(100ms));
    CHECK(r.turn(100ms - 1ns) == first);
    CHECK(r.turn(100ms) != first);
    CHECK_FALSE(r.reporter.due_at());
}

TEST_CASE("a producer is held from its message until the batch with it is over") {
    Reporting r;
    CHECK(r.push("a", "", 0s) == kHeld);
    CHECK(r.push("b", "", 0s) == kHeld);
    auto shown = r.changed(1s);
    CHECK(r.mark(*shown, "a") == 'o');
    CHECK(shown->producers.held == 2);
    CHECK(shown->producers.in_open == 2);
    CHECK(shown->held_messages == 2);
    CHECK(shown->held_bytes == 20);
    CHECK(shown->open.messages == 2);
    CHECK(shown->open.bytes == 20);

    REQUIRE(r.take(1s) == 2U);
    CHECK(r.push("c", "", 2s) == kHeld);
    CHECK(r.push("a", "", 2s) == kHeld);
    shown = r.changed(2s);
    CHECK(r.mark(*shown, "a") == 'o');
    CHECK(r.mark(*shown, "b") == 'p');
    CHECK(r.mark(*shown, "c") == 'o');
    CHECK(shown->producers.held == 3);
    CHECK(shown->producers.missing == 1);
    REQUIRE(shown->in_flight);
    CHECK(shown->in_flight->number == 1);
    CHECK(shown->in_flight->messages == 2);

    r.complete();
    shown = r.changed(3s);
    CHECK(r.mark(*shown, "b") == '-');
    CHECK(shown->producers.held == 2);
    CHECK(shown->producers.live == 3);
    CHECK_FALSE(shown->in_flight);
}

TEST_CASE("with --reply immediate nobody is held") {
    auto options = calm_options();
    options.answer_on_receipt = true;
    RunInfo info;
    info.answers_on_receipt = true;
    Reporting r(info, options);
    r.push("a", "", 0s);
    auto shown = r.changed(0s);
    CHECK(shown->producers.held == 0);
    CHECK(r.mark(*shown, "a") == 'o');
    REQUIRE(r.take(0s) == 1U);
    shown = r.changed(1s);
    CHECK(r.mark(*shown, "a") == '-');
    CHECK(shown->held_messages == 1);
}

TEST_CASE("names are the same list until somebody comes, goes or is renamed") {
    Reporting r;
    r.push("a", "", 0s);
    const auto first = r.changed(0s);
    r.push("a", "", 1s);
    CHECK(r.changed(1s)->producers.names == first->producers.names);
    r.push("b", "", 2s);
    const auto with_b = r.changed(2s);
    CHECK(with_b->producers.version != first->producers.version);
    CHECK(with_b->producers.names->size() == 2);
    r.batcher.forget_connection("a", at(3s));
    const auto without_a = r.changed(3s);
    CHECK(*without_a->producers.names == std::vector<std::string>{"b"});
    CHECK(without_a->producers.marks == "o");
    CHECK(without_a->producers.live == 1);
    CHECK(without_a->producers.in_open == 2);
}

TEST_CASE("more producers than are shown are counted all the same") {
    Reporting r;
    for (std::size_t i = 0; i < kProducersShown + 5; ++i) {
        r.push("p" + std::to_string(i), "", 0s);
    }
    const auto shown = r.changed(1s);
    CHECK(shown->producers.names->size() == kProducersShown);
    CHECK(shown->producers.marks.size() == kProducersShown);
    CHECK(shown->producers.held == kProducersShown + 5);
}

TEST_CASE("with a barrier, those who are expected and not there are missing too") {
    RunInfo info;
    info.barrier = 5;
    Reporting r(info);
    r.push("a", "", 0s);
    CHECK(r.changed(1s)->producers.missing == 4);
}

TEST_CASE("the latest batches are shown, oldest first") {
    Reporting r;
    for (std::uint64_t number = 1; number <= kBatchesRemembered + 2; ++number) {
        r.reporter.batch_over(number, "line " + std::to_string(number));
    }
    const auto shown = r.turn(1s);
    REQUIRE(shown->batches.size() == kBatchesRemembered);
    CHECK(shown->batches.front()->number == 3);
    CHECK(shown->batches.back()->line == "line " + std::to_string(kBatchesRemembered + 2));
}

TEST_CASE("a snapshot stays as it is while the consumer goes on") {
    Reporting r;
    r.push("a", "", 0s);
    const auto before = r.changed(0s);
    r.metrics.messages = 7;
    r.push("b", "", 1s);
    r.changed(1s);
    CHECK(before->metrics.messages == 0);
    CHECK(before->producers.names->size() == 1);
    CHECK(before->held_messages == 1);
}

TEST_CASE(
    "that it drains, that the sink fails and that it works again are shown without more ado") {
    Reporting r;
    r.turn(0s);
    r.reporter.turned({Snapshot::State::kDraining, r.batcher, r.metrics, 0}, at(1s));
    const auto draining = r.board.latest();
    CHECK(draining->state == Snapshot::State::kDraining);
    r.turn(2s);
    r.activity.failed("away", at(3s));
    CHECK(r.turn(3s)->sink.failing_since == at(3s));
    const auto failing = r.turn(4s);
    CHECK(r.turn(5s) == failing);
    r.activity.worked(at(6s));
    CHECK_FALSE(r.turn(6s)->sink.failing_since);
    r.activity.worked(at(7s));
    CHECK(r.turn(7s)->taken_at == at(6s));
}

TEST_CASE("what the sink is at is in it") {
    Reporting r;
    r.activity.begun(7, at(1s));
    r.activity.failed("the disk is full", at(2s));
    r.activity.retried(at(2500ms));
    CHECK(r.activity.status().called_since == at(2500ms));
    r.activity.failed("still", at(3s));
    auto shown = r.changed(3s);
    CHECK(shown->sink.busy_since == at(1s));
    CHECK_FALSE(shown->sink.called_since);  // it waits for the next try
    CHECK(shown->sink.batch == 7);
    CHECK(shown->sink.failing_since == at(2s));
    CHECK(shown->sink.reason == "still");
    CHECK(shown->sink.failed_calls == 2);
    CHECK(shown->sink.retries == 1);
    r.activity.worked(at(4s));
    CHECK(r.activity.status().called_since == at(4s));
    r.activity.ended();
    shown = r.changed(4s);
    CHECK_FALSE(shown->sink.busy_since);
    CHECK_FALSE(shown->sink.called_since);
    CHECK_FALSE(shown->sink.failing_since);
    CHECK(shown->sink.reason.empty());
    CHECK(shown->sink.failed_calls == 2);
}

}  // namespace
}  // namespace blocky::test
