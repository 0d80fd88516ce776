// Between the command line and curve_keys.
#include "common/curve_options.hpp"

#include <iostream>
#include <stdexcept>

#include <fmt/format.h>

namespace blocky {
namespace {

// What `read` returns, or why the option's file cannot be used.
template <typename Read>
auto read_file(const std::string& option, const std::string& path, std::string_view form,
               Read read) {
    try {
        return read(path);
    } catch (const std::runtime_error& error) {
        throw UsageError(
            fmt::format("{}: got \"{}\" ({}); accepts {}", option, path, error.what(), form));
    }
}

}  // namespace

void add_generate_key(CommandLine& line, std::optional<std::string>& path) {
    line.add(
        {"--generate-key", "FILE", "", "the path of a file that is not there yet",
         "Write a new secret key to FILE (mode 0600) and its public key to FILE.pub, and exit"},
        [&path](const std::string& text) {
            path = text;
            return !text.empty();
        });
}

void generate_key(const std::string& path) {
    const auto keys = make_curve_keys();
    write_curve_keys(keys, path);
    std::cout << fmt::format(
                     "{}: the secret key, for its owner alone\n{}.pub: the public key, {}\n", path,
                     path, keys.public_key)
              << std::flush;
}

CurveKeys read_secret_key_option(const std::string& option, const std::string& path) {
    return read_file(option, path, kSecretKeyFileForm, read_secret_curve_key);
}

std::string read_public_key_option(const std::string& option, const std::string& path) {
    return read_file(option, path, kPublicKeyFileForm, read_public_curve_key);
}

}  // namespace blocky
