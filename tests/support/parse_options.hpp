// Runs an option parser as main() does, in an environment and with a config file of the test's own.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/command_line.hpp"

namespace blocky::test {

class EnvironmentVariable {
public:
    EnvironmentVariable(const std::string& name, const std::string& value) : name_(name) {
        setenv(name.c_str(), value.c_str(), 1);
    }
    ~EnvironmentVariable() { unsetenv(name_.c_str()); }
    EnvironmentVariable(const EnvironmentVariable&) = delete;
    EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

private:
    std::string name_;
};

template <typename Options>
using Parser = std::optional<Options> (*)(int, const char* const*);

template <typename Options>
std::optional<Options> parse(Parser<Options> parser, const std::vector<std::string>& arguments) {
    std::vector<const char*> argv{"program"};
    for (const auto& argument : arguments) {
        argv.push_back(argument.c_str());
    }
    return parser(static_cast<int>(argv.size()), argv.data());
}

// The one line that says what is wrong; fails the test when nothing is.
template <typename Options>
std::string usage_error(Parser<Options> parser, const std::vector<std::string>& arguments) {
    try {
        parse(parser, arguments);
    } catch (const UsageError& error) {
        return error.what();
    }
    FAIL("accepted");
    return {};
}

// That an error names the option, quotes what it got, and says what the option accepts.
inline void check_names(const std::string& error, const std::string& option,
                        const std::string& got) {
    CAPTURE(error);
    CAPTURE(option);
    CHECK(error.find(option) != std::string::npos);
    CHECK(error.find(got) != std::string::npos);
    CHECK(error.find("accepts") != std::string::npos);
    CHECK(error.find('\n') == std::string::npos);
}

}  // namespace blocky::test
