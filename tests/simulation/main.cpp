// Plays seeds and says which of them break a promise of Blocky.
//
//   simulation --seeds FROM:TO       all of these, TO not included
//   simulation --seed N              this one, again
//   simulation --expect-violation …  the program has a mutation built in: succeeds if it is found
//   simulation --jobs N              in so many processes
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "tests/simulation/simulation.hpp"

namespace {

using blocky::simulation::simulate;

struct Seeds {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
};

Seeds parse_seeds(const std::string& text) {
    const auto colon = text.find(':');
    Seeds seeds{std::stoull(text), std::stoull(text.substr(colon + 1))};
    if (colon == std::string::npos || seeds.to <= seeds.from) {
        throw CLI::ValidationError("--seeds", "accepts FROM:TO, FROM below TO");
    }
    return seeds;
}

// The first of them that breaks a promise. `step`: every how many-th of them.
std::optional<std::uint64_t> first_violation(Seeds seeds, std::uint64_t step) {
    for (auto seed = seeds.from; seed < seeds.to; seed += step) {
        const auto outcome = simulate(seed);
        if (outcome.violation) {
            std::cout << fmt::format("seed {}: {}\n  {}\n  again: --seed {}\n", seed,
                                     *outcome.violation, outcome.scenario, seed)
                      << std::flush;
            return seed;
        }
    }
    return std::nullopt;
}

int play_one(std::uint64_t seed) {
    const auto outcome = simulate(seed);
    std::cout << fmt::format("seed {}: {} events; {}\n{}\n", seed, outcome.events, outcome.scenario,
                             outcome.violation.value_or("all promises were kept"));
    return outcome.violation ? EXIT_FAILURE : EXIT_SUCCESS;
}

// Each in a process of its own; 0 if none found anything.
int play_in_processes(Seeds seeds, std::uint64_t jobs) {
    std::vector<pid_t> children;
    for (std::uint64_t i = 0; i < jobs; ++i) {
        const auto child = fork();
        if (child == 0) {
            const bool found = first_violation({seeds.from + i, seeds.to}, jobs).has_value();
            std::_Exit(found ? EXIT_FAILURE : EXIT_SUCCESS);
        }
        children.push_back(child);
    }
    int worst = EXIT_SUCCESS;
    for (const auto child : children) {
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
            worst = EXIT_FAILURE;
        }
    }
    return worst;
}

int play(Seeds seeds, std::uint64_t jobs, bool expect_violation) {
    const auto start = std::chrono::steady_clock::now();
    if (expect_violation) {
        const auto found = first_violation(seeds, 1);
        std::cout << (found ? fmt::format("found by seed {}, the {}. of them\n", *found,
                                          *found - seeds.from + 1)
                            : "not found: this mutation is survived by all seeds\n");
        return found ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    const int result = play_in_processes(seeds, jobs);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << fmt::format(
        "{} seeds in {:.1f} s: {}\n", seeds.to - seeds.from, took.count(),
        result == EXIT_SUCCESS ? "all promises were kept" : "a promise was broken");
    return result;
}

}  // namespace

int main(int argc, char** argv) {
    spdlog::set_level(spdlog::level::off);
    CLI::App app("Blocky in virtual time: one seed, one run.");
    std::optional<std::uint64_t> seed;
    std::string seeds = "1:2001";
    std::uint64_t jobs = 1;
    bool expect_violation = false;
    app.add_option("--seed", seed, "play this one and tell of it");
    app.add_option("--seeds", seeds, "FROM:TO; play these")->capture_default_str();
    app.add_option("--jobs", jobs, "processes")->check(CLI::Range(1, 256))->capture_default_str();
    app.add_flag("--expect-violation", expect_violation, "succeed if a promise is broken");
    try {
        app.parse(argc, argv);
        return seed ? play_one(*seed) : play(parse_seeds(seeds), jobs, expect_violation);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
}
