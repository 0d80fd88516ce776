// From `--sink SPEC` to the sink it names.
#pragma once

#include <memory>
#include <string>

#include "consumer/sink.hpp"

namespace blocky {

// The sinks this build has, as an error message may list them.
inline constexpr const char* kSinkForm = "sum";

// Null when no sink has that name. Throws std::exception when the sink cannot be opened.
std::unique_ptr<Sink> make_sink(const std::string& spec);

}  // namespace blocky
