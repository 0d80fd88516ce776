// fork and exec, since posix_spawn(3) cannot ask for a signal at the parent's death.
#include "consumer/sinks/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

namespace blocky {
namespace {

constexpr int kKilledWithinMs = 2000;  // longer only if the kernel itself hangs (a dead disk)

[[noreturn]] void fail(int error, const char* call) {
    throw std::system_error(error, std::generic_category(), call);
}

struct Pipe {
    PipeEnd reader;
    PipeEnd writer;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        fail(errno, "pipe2");
    }
    return {PipeEnd(ends[0]), PipeEnd(ends[1])};
}

// Of our end only: the child's is a file description of its own.
PipeEnd non_blocking(PipeEnd end) {
    fcntl(end.get(), F_SETFL, O_NONBLOCK);
    return end;
}

// What the child needs, made before the fork: after it no memory may be allocated, since another
// thread may have held the allocator's lock.
struct Plan {
    char* const* words;
    int input;
    int output;
    int errors;
    int report;  // takes the errno of what failed; closed by a successful exec
    pid_t parent;
};

void default_all_signals() {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        sigaction(number, &standard, nullptr);  // refuses some, which cannot have been changed
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

// In the child. Only calls that signal-safety(7) allows.
[[noreturn]] void become(const Plan& plan) {
    // Had the parent died before the prctl, nobody would ever send the signal.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == plan.parent && setpgid(0, 0) == 0 &&
        dup2(plan.input, STDIN_FILENO) >= 0 && dup2(plan.output, STDOUT_FILENO) >= 0 &&
        dup2(plan.errors, STDERR_FILENO) >= 0) {
        // Ours have close-on-exec; this is for those that we were started with. Linux before 5.11
        // does not know it.
        close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
        default_all_signals();
        execvp(plan.words[0], plan.words);
    }
    const int error = errno;
    [[maybe_unused]] const auto written = write(plan.report, &error, sizeof error);
    _exit(127);
}

pid_t start(std::vector<std::string>& words, Plan plan) {
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (auto& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    plan.words = pointers.data();
    plan.parent = getpid();
    const pid_t id = fork();
    if (id < 0) {
        fail(errno, "fork");
    }
    if (id == 0) {
        become(plan);
    }
    setpgid(id, id);  // both sides do: whoever is first, the group is there for the other
    return id;
}

// Returns once the child has become another program, or with the errno of what failed.
int error_of_exec(int report) {
    int error = 0;
    return read(report, &error, sizeof error) == sizeof error ? error : 0;
}

// A pidfd; glibc 2.36 declares the call in a way that C++ cannot link to.
int open_exit(pid_t id) {
    return static_cast<int>(syscall(SYS_pidfd_open, id, 0));  // close-on-exec by itself
}

std::string how_it_ended(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) {
        return fmt::format("exit status {}", info.si_status);
    }
    const char* const name = sigabbrev_np(info.si_status);
    return name == nullptr ? fmt::format("signal {}", info.si_status)
                           : fmt::format("signal {} (SIG{})", info.si_status, name);
}

}  // namespace

void PipeEnd::close() {
    if (descriptor_ >= 0) {
        ::close(std::exchange(descriptor_, -1));
    }
}

ChildProcess::ChildProcess(std::vector<std::string> words) {
    auto in = make_pipe();
    auto out = make_pipe();
    auto err = make_pipe();
    auto report = make_pipe();
    id_ = start(words, {nullptr, in.reader.get(), out.writer.get(), err.writer.get(),
                        report.writer.get(), 0});
    report.writer.close();
    const int failed = error_of_exec(report.reader.get());
    if (failed == 0) {
        exit_ = PipeEnd(open_exit(id_));
    }
    if (exit_.get() < 0) {
        const int error = failed != 0 ? failed : errno;
        kill(id_, SIGKILL);
        waitpid(id_, nullptr, 0);
        fail(error, failed != 0 ? "execvp" : "pidfd_open");
    }
    input = non_blocking(std::move(in.writer));
    output = non_blocking(std::move(out.reader));
    errors = non_blocking(std::move(err.reader));
}

ChildProcess::~ChildProcess() {
    reap();
}

void ChildProcess::send_signal(int number) const {
    if (!reaped_) {  // afterwards the number may be another's
        kill(-id_, number);
    }
}

std::string ChildProcess::reap() {
    if (reaped_) {
        return {};
    }
    // Before it is waited for, while its number is its own. Nothing happens to one that has ended.
    send_signal(SIGKILL);
    reaped_ = true;
    pollfd exited{exit_.get(), POLLIN, 0};
    poll(&exited, 1, kKilledWithinMs);
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
        return "it cannot be killed";
    }
    return how_it_ended(info);
}

}  // namespace blocky
