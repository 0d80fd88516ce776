// A turn, in the order of Router::turn().
#include "tests/simulation/virtual_consumer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace blocky::simulation {
namespace {

constexpr IdTable::Secret kSecret{7};
constexpr std::uint64_t kMostBytes = 1'000'000;

std::vector<std::string> frames_of(const Envelope& envelope) {
    std::vector<std::string> frames;
    envelope.for_each([&frames](std::string_view frame, bool /*last*/) {
        frames.emplace_back(frame);
        return true;
    });
    return frames;
}

}  // namespace

VirtualConsumer::VirtualConsumer(const Scenario& scenario, Chance& chance, Agenda& agenda,
                                 Network& network, Referee& referee, VirtualSink& sink)
    : scenario_(scenario),
      chance_(chance),
      agenda_(agenda),
      network_(network),
      referee_(referee),
      sink_(sink),
      batcher_(scenario.batcher, kSecret, agenda.now()),
      reception_(kMostBytes, scenario.batcher, sink, gate_, metrics_,
                 [this](const Envelope& envelope, std::string_view body, Sharing /*sharing*/) {
                     const auto frames = frames_of(envelope);
                     referee_.replied(frames, body, agenda_.now());
                     network_.reply(frames[0], frames[1], std::string(body));
                 }),
      settler_(sink, scenario.retry, nullptr, nullptr,
               {[this] { return sink_clock_; }, [&chance] { return chance.next(); }}),
      number_(network.open({[this](const std::string& connection, const std::string& tag,
                                   const std::string& body) { arrived(connection, tag, body); },
                            [this](const std::string& connection) {
                                ended_.push_back(connection);
                                plan_turn(agenda_.now());
                            }})) {
    sink_.work_by(sink_clock_);
    plan_turn(agenda.now());
}

void VirtualConsumer::arrived(const std::string& connection, const std::string& tag,
                              const std::string& body) {
    RequestFrames frames;
    for (const std::string_view frame : {std::string_view(connection), std::string_view(tag),
                                         std::string_view(), std::string_view(body)}) {
        frames.add(frame);
    }
    Incoming incoming;
    incoming.request.has_one_body = frames.has_one_body();
    incoming.request.envelope = frames.take_envelope();
    incoming.request.body.rebuild(body.data(), body.size());
    incoming.live = !gone_.contains(connection);
    incoming_.push_back(std::move(incoming));
    referee_.delivered(tag, number_);
    // Busy at times, so that a turn finds more than one.
    plan_turn(agenda_.now() + (chance_.one_in(4) ? std::chrono::microseconds(500) : Duration(0)));
}

void VirtualConsumer::plan_turn(TimePoint when) {
    if (next_turn_ && *next_turn_ <= when) {
        return;
    }
    next_turn_ = when;
    agenda_.at(when, [this, when, run = number_, &network = network_] {
        if (network.is_run(run) && next_turn_ == when) {
            turn();
        }
    });
}

void VirtualConsumer::turn() {
    next_turn_.reset();
    admit();
    take_result();
    reception_.answer_expired(batcher_, agenda_.now());
    dispatch();
    if (draining_ && batcher_.idle()) {
        done_ = true;
    }
    referee_.check_turn(batcher_);
    if (const auto due = batcher_.deadline()) {
        plan_turn(std::max(*due, agenda_.now() + std::chrono::nanoseconds(1)));
    }
    if (in_sink_) {
        plan_turn(in_sink_->ready_at);
    }
}

void VirtualConsumer::admit() {
    for (const auto& connection : std::exchange(ended_, {})) {
        batcher_.forget_connection(connection, agenda_.now());
        referee_.connection_ended(connection);
        gone_.insert(connection);
    }
    for (auto& incoming : incoming_) {
        incoming.live = !gone_.contains(std::string(incoming.request.envelope.connection()));
    }
    reception_.admit(batcher_, incoming_, agenda_.now());
}

void VirtualConsumer::take_result() {
    if (in_sink_ && in_sink_->ready_at <= agenda_.now()) {
        const auto verdicts = std::exchange(in_sink_, std::nullopt)->verdicts;
        auto held = batcher_.complete(verdicts);
        reception_.release(held, verdicts);
    }
}

void VirtualConsumer::dispatch() {
    while (const auto batch = batcher_.take_due(agenda_.now())) {
        referee_.dispatched(*batch, number_);
        if (batch->messages.empty()) {
            continue;
        }
        sink_clock_ = agenda_.now();
        auto verdicts = settler_.settle(*batch, [this](Duration delay) {
            sink_clock_ += delay;
            return true;
        });
        in_sink_ = InSink{std::move(verdicts), sink_clock_};
        return;
    }
}

void VirtualConsumer::drain() {
    draining_ = true;
    batcher_.drain();
    plan_turn(agenda_.now());
}

}  // namespace blocky::simulation
