// Any language is a sink: a command that runs as long as we do gets each batch as one line of JSON
// and answers with one line, see exec_protocol.hpp. `ok` means what the command means by it. A
// batch whose answer was lost is sent again, so a command gets a message at least once, by the same
// id.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/json_validator.hpp"
#include "consumer/sink.hpp"
#include "consumer/sinks/running_command.hpp"
#include "consumer/sinks/sink_options.hpp"

namespace blocky {

class ExecSink : public Sink {
public:
    // Runs `words`; `name` is how logs call it. Throws std::runtime_error when it cannot be run.
    ExecSink(std::vector<std::string> words, const std::string& name, const SinkOptions& options,
             CommandLimits limits = {});

    BatchResult process(const Batch& batch) override;
    std::optional<std::string> objection_to(const PushRequest& request) const override;
    Summary summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const override;

private:
    SinkFailure failure(const std::string& what) const;  // transient

    const std::string name_;
    const std::string run_;
    const Duration timeout_;
    JsonValidator validator_;
    std::unique_ptr<RunningCommand> command_;
};

// exec:COMMAND, split into words without a shell. Throws UsageError, and as ExecSink does.
std::unique_ptr<Sink> make_exec_sink(const SinkOptions& options, const std::string& command);
// exec-sh:LINE, run by /bin/sh -c. Throws UsageError for a blank one, and as ExecSink does.
std::unique_ptr<Sink> make_exec_sh_sink(const SinkOptions& options, const std::string& line);

}  // namespace blocky
