// Each batch is asked of the command; whatever is no answer is a transient failure.
#include "consumer/sinks/exec.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "common/command_line.hpp"
#include "consumer/sinks/exec_protocol.hpp"
#include "consumer/sinks/printable.hpp"
#include "consumer/sinks/words.hpp"

namespace blocky {
namespace {

constexpr std::size_t kLongestName = 60;
// A validator keeps twenty times the memory of its longest text: one for all usual answers.
constexpr std::size_t kUsualAnswer = 1U << 20U;

tl::expected<BatchResult, std::string> read(std::string_view answer, const Batch& batch,
                                            JsonValidator& usual) {
    if (answer.size() <= kUsualAnswer) {
        return read_answer(answer, batch, usual);
    }
    JsonValidator validator;
    return read_answer(answer, batch, validator);
}

}  // namespace

ExecSink::ExecSink(std::vector<std::string> words, const std::string& name,
                   const SinkOptions& options, CommandLimits limits)
    : name_(printable(name, kLongestName)), run_(options.run), timeout_(options.exec_timeout) {
    try {
        command_ = std::make_unique<RunningCommand>(std::move(words), limits);
    } catch (const std::runtime_error& error) {
        throw std::runtime_error(failure(error.what()).reason);
    }
}

BatchResult ExecSink::process(const Batch& batch) {
    const auto answer = command_->ask(batch_line(batch, run_), timeout_);
    if (!answer) {
        return tl::make_unexpected(failure(answer.error()));
    }
    auto result = read(*answer, batch, validator_);
    if (!result) {
        command_->kill();
        return tl::make_unexpected(failure(result.error()));
    }
    if (!*result && result->error().kind == SinkFailure::Kind::kTransient) {
        return tl::make_unexpected(failure("says: " + result->error().reason));
    }
    return std::move(*result);
}

SinkFailure ExecSink::failure(const std::string& what) const {
    return {SinkFailure::Kind::kTransient, fmt::format("the command \"{}\" {}", name_, what)};
}

std::optional<std::string> ExecSink::objection_to(const PushRequest& /*request*/) const {
    return std::nullopt;
}

Summary ExecSink::summarize(const Batch& /*batch*/, const std::vector<Verdict>& verdicts) const {
    const auto count = [&](Verdict::Kind kind) {
        return std::ranges::count(verdicts, kind, &Verdict::kind);
    };
    const auto processed = count(Verdict::Kind::kStored);
    return {fmt::format(R"({{"processed":{},"duplicates":{}}})", processed,
                        count(Verdict::Kind::kDuplicate)),
            fmt::format("Processed {} messages by {} ✅", processed, name_)};
}

std::unique_ptr<Sink> make_exec_sink(const SinkOptions& options, const std::string& command) {
    auto words = split_words(command);
    if (!words || words->empty() || words->front().empty()) {
        throw UsageError(fmt::format("--sink: got \"{}\", which {}; accepts exec:COMMAND",
                                     options.spec, words ? "names no command" : words.error()));
    }
    return std::make_unique<ExecSink>(std::move(*words), command, options);
}

std::unique_ptr<Sink> make_exec_sh_sink(const SinkOptions& options, const std::string& line) {
    if (line.find_first_not_of(" \t\r\n") == std::string::npos) {
        throw UsageError(fmt::format(
            "--sink: got \"{}\", which names no command; accepts exec-sh:LINE", options.spec));
    }
    return std::make_unique<ExecSink>(std::vector<std::string>{"/bin/sh", "-c", line}, line,
                                      options);
}

}  // namespace blocky
