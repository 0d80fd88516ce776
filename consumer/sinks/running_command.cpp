// One poll for all that can happen: see attend().
#include "consumer/sinks/running_command.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/signals.hpp"
#include "consumer/sinks/printable.hpp"

namespace blocky {
namespace {

constexpr std::size_t kBlock = 65536;
constexpr std::size_t kExcerpt = 100;
constexpr std::string_view kWhiteSpace = " \t\r\n";
// A child's pipes close a moment before it has ended.
constexpr Duration kAMoment = std::chrono::milliseconds(200);
constexpr Duration kBetweenRemarks = std::chrono::seconds(10);

// A thread that takes no signal: neither those that end the program, which are the main thread's,
// nor the SIGPIPE of a child that does not read.
template <typename Run>
std::thread thread_without_signals(Run run) {
    const SignalsBlocked blocked;
    return std::thread(std::move(run));
}

void poll_until(std::array<pollfd, 5>& items, std::optional<TimePoint> until) {
    if (!until) {
        ppoll(items.data(), items.size(), nullptr, nullptr);
        return;
    }
    const auto left = std::max((*until - Clock::now()).count(), Duration::rep{0});
    const timespec wait{left / 1'000'000'000, left % 1'000'000'000};
    ppoll(items.data(), items.size(), &wait, nullptr);
}

bool may_try_again() {
    return errno == EAGAIN || errno == EINTR;
}

std::string described(const std::system_error& error) {
    const char* const name = strerrorname_np(error.code().value());
    return fmt::format("cannot be run: {} ({})", error.code().message(),
                       name == nullptr ? "?" : name);
}

}  // namespace

RunningCommand::RunningCommand(std::vector<std::string> words, CommandLimits limits)
    : words_(std::move(words)),
      limits_(limits),
      newline_(std::string::npos),
      thread_(thread_without_signals([this] { run(); })) {
    try {
        call([this] { start(); });
    } catch (const std::system_error& error) {
        close_down([] {});
        throw std::runtime_error(described(error));
    }
}

RunningCommand::~RunningCommand() {
    if (thread_.joinable()) {
        close_down([this] { end_in_order(); });
    }
}

tl::expected<std::string, std::string> RunningCommand::ask(std::string_view line,
                                                           Duration timeout) {
    Answer answer;
    call([&] { answer = exchange(line, timeout); });
    return answer;
}

void RunningCommand::kill() {
    call([this] { child_.reset(); });
}

void RunningCommand::call(const std::function<void()>& job) {
    std::exception_ptr thrown;
    const std::function<void()> guarded = [&] {
        try {
            job();
        } catch (...) {
            thrown = std::current_exception();
        }
    };
    std::unique_lock lock(mutex_);
    job_ = &guarded;
    wake_up_.raise();
    done_.wait(lock, [this] { return job_ == nullptr; });
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

void RunningCommand::close_down(const std::function<void()>& last_job) {
    call([&] {
        last_job();
        leaving_ = true;
    });
    thread_.join();
}

void RunningCommand::run() {
    while (!leaving_) {
        if (attend(std::nullopt, wake_up_.get())) {
            do_job();
        } else {
            drop_in_idleness();
        }
    }
}

void RunningCommand::do_job() {
    wake_up_.lower();
    const std::lock_guard lock(mutex_);
    if (job_ != nullptr) {
        (*job_)();
        job_ = nullptr;
        done_.notify_one();
    }
}

void RunningCommand::start() {
    child_ = std::make_unique<ChildProcess>(words_);
    log_.emplace(
        [id = child_->id()](const std::string& line) { spdlog::info("exec[{}]: {}", id, line); });
    received_.clear();
    newline_ = std::string::npos;
    ended_.reset();
}

RunningCommand::Answer RunningCommand::exchange(std::string_view line, Duration timeout) {
    const auto deadline = Clock::now() + timeout;
    attend(Clock::now());  // what has happened since the last answer has nothing to do with this
    drop_in_idleness();
    if (!child_) {
        try {
            start();
        } catch (const std::system_error& error) {
            return tl::make_unexpected(described(error));
        }
    }
    unwritten_ = line;
    while (newline_ == std::string::npos && !ended_) {
        if (Clock::now() >= deadline) {
            return give_up(fmt::format("did not answer within {:g} s (--exec-timeout)",
                                       to_milliseconds(timeout) / 1000));
        }
        attend(deadline);
    }
    read_to_the_end();
    return take_answer();
}

// Waits for the next thing to happen, and does what it asks for. Whether `wake_up` is readable.
bool RunningCommand::attend(std::optional<TimePoint> until, int wake_up) {
    std::array<pollfd, 5> items{
        {{wake_up, POLLIN, 0}, {-1, 0, 0}, {-1, 0, 0}, {-1, 0, 0}, {-1, 0, 0}}};
    if (child_ && !child_->reaped()) {
        items[1] = {child_->output.get(), POLLIN, 0};
        items[2] = {child_->errors.get(), POLLIN, 0};
        items[3] = {unwritten_.empty() ? -1 : child_->input.get(), POLLOUT, 0};
        items[4] = {child_->exit_descriptor(), POLLIN, 0};
    }
    poll_until(items, until);
    if (items[1].revents != 0) {
        read_answer();
    }
    if (items[2].revents != 0) {
        read_errors();
    }
    if (items[3].revents != 0) {
        write_some();
    }
    if (items[4].revents != 0 && !child_->reaped()) {
        note_end();
    }
    return items[0].revents != 0;
}

void RunningCommand::write_some() {
    const auto written = write(child_->input.get(), unwritten_.data(), unwritten_.size());
    if (written >= 0) {
        unwritten_.remove_prefix(static_cast<std::size_t>(written));
    } else if (!may_try_again()) {
        child_->input.close();  // nobody reads: it is about to end, or will be out of time
    }
}

// False when there is no more for now, or ever.
bool RunningCommand::read_answer() {
    std::array<char, kBlock> block;  // NOLINT: only what has been read is looked at
    const auto count = read(child_->output.get(), block.data(), block.size());
    if (count <= 0) {
        if (count == 0 || !may_try_again()) {
            child_->output.close();
            pollfd exited{child_->exit_descriptor(), POLLIN, 0};
            if (poll(&exited, 1, static_cast<int>(to_milliseconds(kAMoment))) == 0) {
                ended_ = "has closed its stdout";
            }
        }
        return false;
    }
    std::string_view bytes(block.data(), static_cast<std::size_t>(count));
    if (received_.empty()) {
        bytes.remove_prefix(std::min(bytes.find_first_not_of(kWhiteSpace), bytes.size()));
    }
    if (newline_ == std::string::npos) {
        const auto newline = bytes.find('\n');
        newline_ = newline == std::string_view::npos ? newline : received_.size() + newline;
    }
    received_.append(bytes);
    if (received_.size() > limits_.longest_answer) {
        ended_ =
            fmt::format("has written more than {} bytes for an answer", limits_.longest_answer);
        newline_ = std::string::npos;
    }
    return !ended_;
}

bool RunningCommand::read_errors() {
    std::array<char, kBlock> block;  // NOLINT: only what has been read is looked at
    const auto count = read(child_->errors.get(), block.data(), block.size());
    if (count > 0) {
        log_->add({block.data(), static_cast<std::size_t>(count)}, Clock::now());
        return true;
    }
    if (count == 0 || !may_try_again()) {
        child_->errors.close();
    }
    return false;
}

// What is still in the pipes. Not all that ever comes: others may have inherited their other ends.
void RunningCommand::read_last() {
    constexpr int kBlocks = 64;
    for (int i = 0; i < kBlocks && child_->errors.get() >= 0 && read_errors(); ++i) {
    }
    log_->finish(Clock::now());
}

void RunningCommand::note_end() {
    read_to_the_end();
    read_last();
    ended_ = fmt::format("has ended ({})", child_->reap());
}

// What is in the pipe behind an answer must not be taken for the next one.
void RunningCommand::read_to_the_end() {
    while (!ended_ && child_->output.get() >= 0 && read_answer()) {
    }
}

// When a line has come, or none ever will.
RunningCommand::Answer RunningCommand::take_answer() {
    if (newline_ == std::string::npos) {
        return give_up(*ended_);
    }
    if (!unwritten_.empty()) {
        return give_up("has answered before it had read the batch");
    }
    if (received_.find_first_not_of(kWhiteSpace, newline_) != std::string::npos) {
        return give_up(fmt::format("has written more than one line for an answer, first {}",
                                   printable(received_.substr(0, newline_), kExcerpt)));
    }
    auto answer = std::exchange(received_, {});
    answer.resize(std::exchange(newline_, std::string::npos));
    return answer;
}

RunningCommand::Answer RunningCommand::give_up(std::string reason) {
    unwritten_ = {};
    if (!child_->reaped()) {
        read_last();
    }
    child_.reset();
    return tl::make_unexpected(std::move(reason));
}

// While nobody asks, it is to be there and to be silent. Said so seldom that a command which ends
// after each batch does not fill the log.
void RunningCommand::drop_in_idleness() {
    if (!child_ || (!ended_ && received_.empty())) {
        return;
    }
    const auto reason =
        ended_ ? *ended_
               : fmt::format("has written \"{}\" to its stdout, where only answers belong",
                             printable(received_, kExcerpt));
    give_up(reason);
    if (Clock::now() >= silent_until_) {
        silent_until_ = Clock::now() + kBetweenRemarks;
        spdlog::warn("the sink's command {}; it is started again for the next batch", reason);
    }
}

void RunningCommand::end_in_order() {
    if (!child_) {
        return;
    }
    unwritten_ = {};
    child_->input.close();
    await_end();
    if (!child_->reaped()) {
        spdlog::warn("the sink's command goes on although its stdin was closed: sending SIGTERM");
        child_->send_signal(SIGTERM);
        await_end();
    }
    if (!child_->reaped()) {
        read_last();
    }
    child_.reset();
}

void RunningCommand::await_end() {
    const auto deadline = Clock::now() + limits_.grace;
    while (!child_->reaped() && Clock::now() < deadline) {
        attend(deadline);
        received_.clear();
        newline_ = std::string::npos;
    }
}

}  // namespace blocky
