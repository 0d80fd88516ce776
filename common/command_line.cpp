// Options by CLI11, with the precedence and the errors that the contract asks for.
#include "common/command_line.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <zmq.hpp>

namespace blocky {
namespace {

std::string environment_name(std::string name) {
    name.erase(0, name.find_first_not_of('-'));
    std::ranges::transform(name, name.begin(), [](unsigned char character) {
        return character == '-' ? '_' : static_cast<char>(std::toupper(character));
    });
    return "BLOCKY_" + name;
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> result;
    for (std::string word; stream >> word;) {
        result.push_back(word);
    }
    return result;
}

bool is_about_the_program(const std::string& name) {
    return name == "help" || name == "version" || name == "config" || name == "generate-key";
}

// Keeps an error on one line, whatever bytes the user typed.
std::string one_line(std::string text) {
    std::ranges::replace_if(
        text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
    return text;
}

}  // namespace

std::string version_text(const std::string& program) {
    const auto [major, minor, patch] = zmq::version();
    return fmt::format("{} {} (ZeroMQ {}.{}.{})", program, BLOCKY_VERSION, major, minor, patch);
}

CommandLine::CommandLine(std::string program, const std::string& description)
    : program_(std::move(program)), app_(description, program_) {
    app_.set_version_flag("--version", version_text(program_));
    app_.get_formatter()->column_width(36);
}

void CommandLine::add(const Option& option, const Setter& set) {
    add_checked(option, set)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void CommandLine::add_repeatable(const Option& option, const Setter& set) {
    add_checked(option, set)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void CommandLine::add_with_optional_value(const Option& option, const std::string& implied,
                                          const Setter& set) {
    const auto set_or_imply = [implied, set](const std::string& value) {
        return set(value.empty() || value == "true" ? implied : value);
    };
    add_checked(option, set_or_imply)
        ->expected(0, 1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

CLI::Option* CommandLine::add_checked(const Option& option, const Setter& set) {
    accepts_[option.name] = option.accepts;
    const auto set_all = [option, set](const CLI::results_t& values) {
        for (const auto& value : values) {
            if (!set(value)) {
                throw CLI::ValidationError(
                    option.name, fmt::format("got \"{}\"; accepts {}", value, option.accepts));
            }
        }
        return true;
    };
    auto* const added = app_.add_option(option.name, set_all, option.help);
    added->type_name(option.placeholder)->default_str(option.default_value);
    return added;
}

void CommandLine::add_flag(const std::string& name, bool& target, const std::string& help) {
    accepts_[name] = "no value";
    app_.add_flag(name, target, help)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void CommandLine::add_environment_and_config() {
    reads_environment_ = true;
    add({"--config", "FILE", "", "the path of a readable file",
         "Read these options from a TOML or INI file, one `name = value` a line, without the "
         "dashes. BLOCKY_… environment variables (BLOCKY_MAX_ITEMS) win over the file, the "
         "command line over both"},
        [this](const std::string& value) {
            config_path_ = value;
            return !value.empty();
        });
}

bool CommandLine::parse(int argc, const char* const* argv) {
    check_values(argc, argv);
    try {
        app_.parse(argc, argv);
        if (reads_environment_) {
            apply_environment();
            if (!config_path_.empty()) {
                apply_config(config_path_);
            }
        }
        return true;
    } catch (const CLI::CallForHelp&) {
        std::cout << app_.help() << std::flush;
        return false;
    } catch (const CLI::CallForVersion&) {
        std::cout << version_text(program_) << std::endl;
        return false;
    } catch (const CLI::ParseError& error) {
        throw UsageError(one_line(explain(error)));
    }
}

// `--option=` is an option without a value; CLI11 would take the next argument for it.
void CommandLine::check_values(int argc, const char* const* argv) const {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--") {
            return;
        }
        const auto found = accepts_.find(std::string(argument.substr(0, argument.find('='))));
        if (argument.ends_with('=') && found != accepts_.end() &&
            argument.size() == found->first.size() + 1) {
            throw UsageError(fmt::format("{}: got \"\"; accepts {}", found->first, found->second));
        }
    }
}

void CommandLine::apply_environment() {
    for (auto* const option : app_.get_options()) {
        const auto name = option->get_single_name();
        if (option->count() > 0 || (is_about_the_program(name) && name != "config")) {
            continue;
        }
        const auto variable = environment_name(name);
        // No thread exists yet that could change the environment.
        const char* const value = std::getenv(variable.c_str());  // NOLINT(concurrency-mt-unsafe)
        if (value == nullptr || *value == '\0') {
            continue;
        }
        const bool repeatable =
            option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
        apply(*option, repeatable ? words(value) : std::vector<std::string>{value}, variable);
    }
}

void CommandLine::apply_config(const std::string& path) {
    std::vector<CLI::ConfigItem> items;
    try {
        if (std::filesystem::is_directory(path)) {
            throw CLI::FileError::Missing(path);
        }
        items = app_.get_config_formatter()->from_file(path);
    } catch (const CLI::FileError&) {
        throw CLI::ValidationError("--config",
                                   fmt::format("got \"{}\", which cannot be read; accepts {}", path,
                                               accepts_.at("--config")));
    }
    for (const auto& item : items) {
        auto* const option = app_.get_option_no_throw("--" + item.name);
        if (!item.parents.empty() || option == nullptr || is_about_the_program(item.name)) {
            throw CLI::ValidationError(
                path, fmt::format("got \"{}\"; accepts the names of options without their "
                                  "dashes, and no sections (see --help)",
                                  item.fullname()));
        }
        if (option->count() == 0) {
            apply(*option, item.inputs, path);
        }
    }
}

void CommandLine::apply(CLI::Option& option, const std::vector<std::string>& values,
                        const std::string& origin) {
    try {
        for (const auto& value : values) {
            option.add_result(value);
        }
        option.run_callback();
    } catch (const CLI::ParseError& error) {
        const bool flag = option.get_expected_max() == 0;
        const std::string detail =
            flag ? fmt::format("--{}: got \"{}\"; accepts true or false", option.get_single_name(),
                               values.empty() ? "" : values.front())
                 : error.what();
        throw CLI::ValidationError(origin, detail);
    }
}

// CLI11's own words are kept where they already name the option and what it got.
std::string CommandLine::explain(const CLI::ParseError& error) const {
    std::string what = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
        return fmt::format("got \"{}\", which is no option; accepts the options that --help lists",
                           app_.remaining().front());
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        const auto name = what.substr(0, what.find(':'));
        const auto found = accepts_.find(name);
        return found == accepts_.end()
                   ? what
                   : fmt::format("{}: got no value; accepts {}", name, found->second);
    }
    return what;
}

}  // namespace blocky
