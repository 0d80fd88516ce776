// One description of an option gives the command line, the environment and the config file, the
// help text, and the one line of error that says which option, what it got and what it accepts.
// CLI11 does the parsing; what is ours is the precedence (command line over environment over file;
// CLI11 has the file win over the environment) and the wording of errors.
#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace blocky {

// Bad usage or configuration: one line for stderr, exit status 2.
class UsageError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class CommandLine {
public:
    // Takes one value of an option as text; returns false when it is nothing the option accepts.
    using Setter = std::function<bool(const std::string&)>;

    struct Option {
        std::string name;           // "--interval"
        std::string placeholder;    // "DURATION", in --help
        std::string default_value;  // as --help prints it; empty when there is none
        std::string accepts;        // completes "got X; accepts …"
        std::string help;
    };

    CommandLine(std::string program, const std::string& description);

    // An option with one value; given twice on the command line, the last one counts.
    void add(const Option& option, const Setter& set);
    // An option that may be given several times; `set` gets each value.
    void add_repeatable(const Option& option, const Setter& set);
    // An option that stands for `implied` when it is given without `=VALUE`.
    void add_with_optional_value(const Option& option, const std::string& implied,
                                 const Setter& set);
    // An option without a value; in a file or the environment it takes true or false.
    void add_flag(const std::string& name, bool& target, const std::string& help);
    // Lets BLOCKY_NAME variables and `--config FILE` (TOML or INI) set what the command line left.
    void add_environment_and_config();

    // Whether an option was given, wherever. After parse().
    bool given(const std::string& name) const { return app_.count(name) > 0; }

    // Runs the setters. False when --help or --version was asked for and has been printed.
    // Throws UsageError.
    bool parse(int argc, const char* const* argv);

private:
    CLI::Option* add_checked(const Option& option, const Setter& set);
    void check_values(int argc, const char* const* argv) const;
    void apply_environment();
    void apply_config(const std::string& path);
    void apply(CLI::Option& option, const std::vector<std::string>& values,
               const std::string& origin);
    std::string explain(const CLI::ParseError& error) const;

    std::string program_;
    CLI::App app_;
    std::map<std::string, std::string> accepts_;  // by option name, for "a value is missing"
    std::string config_path_;
    bool reads_environment_ = false;
};

// "blocky-consumer 0.1.0", with the version of ZeroMQ below it.
std::string version_text(const std::string& program);

}  // namespace blocky
