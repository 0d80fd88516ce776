// Draws a scenario: small limits and few messages, so that what is rare in life comes often.
#include "tests/simulation/scenario.hpp"

#include <chrono>

#include <fmt/format.h>

namespace blocky::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kPlenty = 1'000'000;

void draw_batcher(Chance& chance, BatcherOptions& options) {
    options.interval = chance.between(milliseconds(5), milliseconds(500));
    if (chance.one_in(4)) {
        options.linger = chance.between(milliseconds(1), milliseconds(200));
    }
    if (chance.one_in(4)) {
        options.barrier = chance.between(1, 6);
    }
    options.max_items = chance.one_in(2) ? chance.between(1, 12) : kPlenty;
    options.max_bytes = chance.one_in(3) ? chance.between(400, 2'000) : kPlenty;
    options.max_held = chance.one_in(3) ? chance.between(1, 20) : kPlenty;
    options.max_held_bytes = chance.one_in(4) ? chance.between(2'000, 6'000) : kPlenty;
    options.max_held_per_producer = chance.one_in(4) ? chance.between(1, 6) : kPlenty;
    options.max_held_bytes_per_producer = kPlenty;
    options.dedup_window = 10'000;
}

void draw_sink(Chance& chance, Scenario& scenario) {
    scenario.sink_remembers = !chance.one_in(3);
    scenario.sink_takes =
        chance.one_in(2) ? Duration(milliseconds(2)) : Duration(milliseconds(300));
    scenario.sink_fails_one_in = chance.pick<std::uint64_t>({0, 0, 3, 10});
    scenario.sink_partial_one_in = chance.pick<std::uint64_t>({0, 0, 0, 20});
    if (scenario.sink_remembers) {
        scenario.sink_half_one_in = chance.pick<std::uint64_t>({0, 0, 6});
        scenario.sink_silent_one_in = chance.pick<std::uint64_t>({0, 0, 6});
        scenario.batcher.dedup_window = chance.pick<std::size_t>({0, 3, 10'000});
    }
    if (chance.one_in(4)) {
        scenario.sink_down_for = chance.between(milliseconds(100), seconds(5));
    }
    if (chance.one_in(2)) {
        scenario.retry.give_up_after = chance.between(milliseconds(50), seconds(3));
    }
}

void draw_producers(Chance& chance, Scenario& scenario) {
    scenario.producers = chance.between(1, 8);
    scenario.messages = chance.between(1, 16);
    scenario.window = chance.one_in(2) ? 1 : chance.between(2, 10);
    scenario.bundle = chance.one_in(3) ? chance.between(2, 6) : 1;
    scenario.nameless_one_in = chance.pick<std::uint64_t>({0, 0, 4});
    scenario.poison_one_in = chance.pick<std::uint64_t>({0, 0, 10});
    scenario.deadline_one_in = chance.pick<std::uint64_t>({0, 0, 4});
    scenario.patience = chance.between(milliseconds(20), seconds(3));
    scenario.pause = chance.one_in(2) ? Duration(0) : Duration(milliseconds(100));
}

void draw_faults(Chance& chance, Scenario& scenario) {
    scenario.way = chance.one_in(2) ? Duration(milliseconds(1)) : Duration(milliseconds(100));
    scenario.faults_for = chance.between(milliseconds(100), seconds(10));
    if (chance.one_in(8)) {
        scenario.patience = kForever;
        return;
    }
    scenario.lost_one_in = chance.pick<std::uint64_t>({0, 0, 10});
    scenario.twice_one_in = chance.pick<std::uint64_t>({0, 0, 5});
    scenario.cut_one_in = chance.pick<std::uint64_t>({0, 0, 12});
    scenario.death_one_in = chance.pick<std::uint64_t>({0, 0, 25});
    scenario.drains = chance.one_in(5);
    if (scenario.sink_remembers) {
        scenario.crashes = chance.pick<std::uint64_t>({0, 0, 1, 3});
    } else {
        scenario.drains = false;  // its memory ends with it
    }
}

}  // namespace

Scenario scenario_of(Chance& chance) {
    Scenario scenario;
    draw_batcher(chance, scenario.batcher);
    draw_sink(chance, scenario);
    draw_producers(chance, scenario);
    draw_faults(chance, scenario);
    return scenario;
}

std::string describe(const Scenario& scenario) {
    return fmt::format(
        "{} producers of {} messages, window {}, bundles of {}; a sink that {} ids; {}{}{} crashes",
        scenario.producers, scenario.messages, scenario.window, scenario.bundle,
        scenario.sink_remembers ? "remembers" : "forgets", scenario.calm() ? "calm, " : "",
        scenario.drains ? "drains, " : "", scenario.crashes);
}

}  // namespace blocky::simulation
