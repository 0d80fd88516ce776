// Producers, a consumer that may crash, a sink; faults until they stop; then all must end well.
#include "tests/simulation/simulation.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/chance.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/referee.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/virtual_consumer.hpp"
#include "tests/simulation/virtual_producer.hpp"
#include "tests/simulation/virtual_sink.hpp"

namespace blocky::simulation {
namespace {

using std::chrono::milliseconds;

// Long enough for every message to be sent, refused and sent again by all who wait for their turn.
constexpr auto kPatience = std::chrono::hours(1);
constexpr std::uint64_t kMostEvents = 1'000'000;

class Run {
public:
    explicit Run(std::uint64_t seed)
        : chance_(seed),
          scenario_(scenario_of(chance_)),
          referee_(scenario_),
          network_(scenario_, chance_, agenda_),
          sink_(scenario_, chance_, referee_, agenda_.now()) {
        for (std::uint64_t i = 0; i < scenario_.producers; ++i) {
            producers_.push_back(std::make_unique<VirtualProducer>(i + 1, scenario_, chance_,
                                                                   agenda_, network_, referee_));
        }
    }

    // Throws Violation.
    void play() {
        start_consumer();
        for (const auto& producer : producers_) {
            producer->start();
        }
        plan_faults();
        const auto end = agenda_.now() + scenario_.faults_for + kPatience;
        while (!over()) {
            if (!agenda_.step()) {
                throw Violation("nothing happens any more:" + unsettled());
            }
            if (agenda_.now() > end || ++events_ > kMostEvents) {
                throw Violation("somebody waits for an answer for ever:" + unsettled());
            }
            if (consumer_ && consumer_->done()) {
                end_consumer();
            }
        }
        referee_.check_end(consumer_->number());
    }

    const Scenario& scenario() const { return scenario_; }
    std::uint64_t events() const { return events_; }

private:
    void start_consumer() {
        consumer_ = std::make_unique<VirtualConsumer>(scenario_, chance_, agenda_, network_,
                                                      referee_, sink_);
    }

    // In order: all that it holds is answered.
    void end_consumer() {
        referee_.check_end(consumer_->number());
        network_.close();
        consumer_.reset();
        start_after_a_while();
    }

    void crash() {
        if (consumer_) {
            network_.close();
            consumer_.reset();
            sink_.roll_back(agenda_.now());
            start_after_a_while();
        }
    }

    void start_after_a_while() {
        agenda_.in(chance_.between(milliseconds(1), milliseconds(1'000)),
                   [this] { start_consumer(); });
    }

    void plan_faults() {
        for (std::uint64_t i = 0; i < scenario_.crashes; ++i) {
            agenda_.in(chance_.between(Duration(0), scenario_.faults_for), [this] { crash(); });
        }
        if (scenario_.drains) {
            agenda_.in(chance_.between(Duration(0), scenario_.faults_for), [this] {
                if (consumer_) {
                    consumer_->drain();
                }
            });
        }
        agenda_.in(scenario_.faults_for, [this] {
            faults_over_ = true;
            network_.calm_down();
            sink_.calm_down();
            for (const auto& producer : producers_) {
                producer->calm_down();
            }
        });
    }

    bool over() const {
        return faults_over_ && consumer_ && consumer_->idle() &&
               std::ranges::all_of(producers_, [](const auto& one) { return one->done(); });
    }

    std::string unsettled() const {
        std::string text;
        for (const auto& producer : producers_) {
            text += producer->describe();
        }
        return text;
    }

    Chance chance_;
    Agenda agenda_;
    Scenario scenario_;
    Referee referee_;
    Network network_;
    VirtualSink sink_;
    std::unique_ptr<VirtualConsumer> consumer_;
    std::vector<std::unique_ptr<VirtualProducer>> producers_;
    bool faults_over_ = false;
    std::uint64_t events_ = 0;
};

}  // namespace

Outcome simulate(std::uint64_t seed) {
    Run run(seed);
    Outcome outcome;
    outcome.scenario = describe(run.scenario());
    try {
        run.play();
    } catch (const Violation& violation) {
        outcome.violation = violation.what();
    } catch (const std::exception& error) {  // an invariant of the consumer's own
        outcome.violation = fmt::format("the consumer failed: {}", error.what());
    }
    outcome.events = run.events();
    return outcome;
}

}  // namespace blocky::simulation
