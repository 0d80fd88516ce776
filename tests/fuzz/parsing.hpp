// Parses options as main() does, for the targets `arguments` and `config`: they are accepted and
// within their limits, or one line says what is wrong. Nothing is printed, and nothing exits.
#pragma once

#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "common/command_line.hpp"
#include "tests/fuzz/demand.hpp"

namespace blocky::fuzz {

// Sends what --help and --version print to nowhere while it lives.
class Quiet {
public:
    Quiet() : before_(std::cout.rdbuf(nowhere_.rdbuf())) {}
    ~Quiet() { std::cout.rdbuf(before_); }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

private:
    std::ostringstream nowhere_;
    std::streambuf* before_;
};

inline void check_usage_error(std::string_view what) {
    demand(!what.empty(), "an error says what is wrong");
    demand(what.find('\n') == std::string_view::npos, "an error is one line");
}

template <typename Options>
std::optional<Options> parse(std::optional<Options> (*parser)(int, const char* const*),
                             const std::vector<std::string>& arguments) {
    std::vector<const char*> argv{"program"};
    for (const auto& argument : arguments) {
        argv.push_back(argument.c_str());
    }
    const Quiet quiet;
    try {
        return parser(static_cast<int>(argv.size()), argv.data());
    } catch (const UsageError& error) {
        check_usage_error(error.what());
        return std::nullopt;
    }
}

}  // namespace blocky::fuzz
