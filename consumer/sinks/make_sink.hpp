// From `--sink SPEC` to the sink it names.
#pragma once

#include <memory>
#include <string>

#include "consumer/sink.hpp"
#include "consumer/sinks/sink_options.hpp"

namespace blocky {

// The sinks this build has, as an error message may list them.
std::string sink_form();

// Throws UsageError when no sink has that name or it cannot be what the options say, and any other
// std::exception, whose text names what was tried, when the sink cannot be opened.
std::unique_ptr<Sink> make_sink(const SinkOptions& options);

}  // namespace blocky
