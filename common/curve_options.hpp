// The options about CURVE that both programs have, and the words for their errors.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/command_line.hpp"
#include "common/curve_keys.hpp"

namespace blocky {

inline constexpr std::string_view kSecretKeyFileForm =
    "the path of a secret key as --generate-key writes it, that nobody but its owner can read";
inline constexpr std::string_view kPublicKeyFileForm =
    "the path of a public key: the .pub file that --generate-key writes";

// `--generate-key FILE`, which sets `path`. Not to be set by environment or file.
void add_generate_key(CommandLine& line, std::optional<std::string>& path);

// Makes keys at `path` and says so on stdout. Throws std::runtime_error.
void generate_key(const std::string& path);

// The keys in the files that these options name. Throw UsageError.
CurveKeys read_secret_key_option(const std::string& option, const std::string& path);
std::string read_public_key_option(const std::string& option, const std::string& path);

}  // namespace blocky
