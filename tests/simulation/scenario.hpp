// What a seed stands for: the consumer's options, its sink's and its producers' habits, and the
// faults that befall them until they stop.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "consumer/batcher.hpp"
#include "consumer/settler.hpp"
#include "tests/simulation/chance.hpp"

namespace blocky::simulation {

inline constexpr Duration kForever = std::chrono::hours(1);

// "one_in": of so many times once; 0: never.
struct Scenario {
    BatcherOptions batcher;
    RetryPolicy retry;
    bool drains = false;  // the consumer is told to end once in between

    // Remembers ids, as databases do. Where it does not, nothing happens that only this would mend:
    // the consumer's own memory is all that keeps messages from being stored twice.
    bool sink_remembers = true;
    Duration sink_takes;  // at most
    std::uint64_t sink_fails_one_in = 0;
    std::uint64_t sink_half_one_in = 0;     // stores a part, and fails
    std::uint64_t sink_silent_one_in = 0;   // stores all, and dies before it says so
    std::uint64_t sink_partial_one_in = 0;  // leaves out single messages, and says so
    Duration sink_down_for{0};              // once

    std::uint64_t producers = 1;
    std::uint64_t messages = 1;  // of each
    std::uint64_t window = 1;    // in flight
    std::uint64_t bundle = 1;    // at most so many in a request
    std::uint64_t nameless_one_in = 0;
    std::uint64_t poison_one_in = 0;    // what the sink never takes
    std::uint64_t deadline_one_in = 0;  // has a deadline
    Duration patience;                  // until a message is sent again
    Duration pause;                     // between two messages, at most

    Duration way;  // of a message, at most
    std::uint64_t lost_one_in = 0;
    std::uint64_t twice_one_in = 0;  // sent again at once, perhaps by another connection
    std::uint64_t cut_one_in = 0;    // of requests: the connection breaks behind them
    std::uint64_t death_one_in = 0;  // of requests: the producer dies behind them, and comes back
    std::uint64_t crashes = 0;       // of the consumer
    Duration faults_for;             // from the beginning

    bool bundles() const { return bundle > 1; }
    // Whether nothing goes wrong, so that nothing is sent again.
    bool calm() const { return patience == kForever; }
};

Scenario scenario_of(Chance& chance);

// Its main features, on one line.
std::string describe(const Scenario& scenario);

}  // namespace blocky::simulation
