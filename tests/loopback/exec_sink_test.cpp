// The sink exec with real commands: what they answer, how they fail, and how they are ended.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "common/command_line.hpp"
#include "consumer/sinks/exec.hpp"
#include "consumer/sinks/make_sink.hpp"
#include "tests/support/captured_log.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Kind = Verdict::Kind;

// What a test's command is written in: one() takes a batch, answer() gives the answer.
constexpr std::string_view kPrelude = R"(
import json, os, signal, sys, time
def lines():
    return iter(sys.stdin.readline, "")
def answer(value):
    print(json.dumps(value), flush=True)
def ok(batch, result):
    answer({"results": [{"ok": True, "result": result(m)} for m in batch["messages"]]})
)";

struct Exec {
    explicit Exec(const std::string& script, Duration timeout = kDeadline,
                  CommandLimits limits = {100ms, 1U << 20U}) {
        const auto path = directory.file_with("command.py", std::string(kPrelude) + script);
        start({"/usr/bin/python3", path, directory.file("")}, timeout, limits);
    }
    static Exec shell(const std::string& line, Duration timeout = kDeadline) {
        return {line, timeout, 0};
    }

    BatchResult process(const std::vector<std::string>& values = {"1"}) {
        return sink->process(batch_of(values));
    }
    std::string result(const std::vector<std::string>& values = {"1"}) {
        const auto verdicts = process(values);
        REQUIRE_MESSAGE(verdicts, verdicts.error().reason);
        return verdicts->front().detail;
    }
    std::string failure(const std::vector<std::string>& values = {"1"}) {
        const auto verdicts = process(values);
        REQUIRE_FALSE(verdicts);
        CHECK(verdicts.error().kind == SinkFailure::Kind::kTransient);
        return verdicts.error().reason;
    }

    TemporaryDirectory directory;
    std::unique_ptr<ExecSink> sink;

private:
    Exec(const std::string& line, Duration timeout, int /*shell*/) {
        start({"/bin/sh", "-c", line, "sh", directory.file("")}, timeout, {100ms, 1U << 20U});
    }
    void start(std::vector<std::string> words, Duration timeout, CommandLimits limits) {
        SinkOptions options;
        options.run = "run";
        options.exec_timeout = timeout;
        sink = std::make_unique<ExecSink>(std::move(words), "test", options, limits);
    }
};

// A process of a group that was killed may wait for whoever adopted it to reap it.
bool is_running(const std::string& pid) {
    const auto stat = text_of("/proc/" + pid + "/stat");
    const auto name_end = stat.rfind(')');
    return name_end != std::string::npos && stat.at(name_end + 2) != 'Z';
}

template <typename Condition>
bool comes_true(Condition condition) {
    const auto end = Clock::now() + kDeadline;
    while (!condition() && Clock::now() < end) {
        std::this_thread::sleep_for(1ms);
    }
    return condition();
}

TEST_CASE("each message has the command's answer for it") {
    Exec exec(R"(
for line in lines():
    batch = json.loads(line)
    answer({"results": [
        {"ok": True, "result": [batch["batch"], m["id"], m["producer"], m["value"]]}
        if m["value"] != 2 else {"ok": False, "error": "no twos"} for m in batch["messages"]]})
)");
    const auto verdicts = exec.process({"1", "2", "\"\u2028é\""});
    REQUIRE(verdicts);
    REQUIRE(verdicts->size() == 3);
    CHECK(verdicts->at(0).detail == R"([1, "id-1", "producer", 1])");
    CHECK(verdicts->at(1).kind == Kind::kRejected);
    CHECK(verdicts->at(1).detail == "no twos");
    CHECK(verdicts->at(2).detail == R"([1, "id-3", "producer", "\u2028\u00e9"])");
    const auto summary = exec.sink->summarize(batch_of({"1", "2", "3"}), *verdicts);
    CHECK(summary.json == R"({"processed":2,"duplicates":0})");
    CHECK(summary.text == "Processed 2 messages by test ✅");
}

TEST_CASE("a command stays from batch to batch") {
    Exec exec("for line in lines(): ok(json.loads(line), lambda m: os.getpid())");
    const auto pid = exec.result();
    CHECK(exec.result({"1", "2", "3"}) == pid);
    CHECK(exec.result() == pid);
}

TEST_CASE("a command that cannot be run is an error that names it and why") {
    SinkOptions options;
    options.spec = "exec:no-such-command --now";
    CHECK_THROWS_WITH_AS(
        make_sink(options),
        "the command \"no-such-command --now\" cannot be run: No such file or directory (ENOENT)",
        std::runtime_error);
    options.spec = "exec:/etc/passwd";
    CHECK_THROWS_WITH_AS(make_sink(options), doctest::Contains("(EACCES)"), std::runtime_error);
    for (const std::string spec : {"exec", "exec:", "exec: ", "exec:''", "exec:a | b", "exec:'a",
                                   "exec-sh", "exec-sh:", "exec-sh: ", "exec-sh:\t\n"}) {
        options.spec = spec;
        CHECK_THROWS_WITH_AS(make_sink(options), doctest::Contains("--sink: got"), UsageError);
    }
}

TEST_CASE("a command that dies in the middle of a batch is started again for the next try") {
    Exec exec(R"(
for line in lines():
    if not os.path.exists(sys.argv[1] + "died"):
        open(sys.argv[1] + "died", "w")
        sys.exit(3)
    ok(json.loads(line), lambda m: m["value"])
)");
    CHECK(exec.failure() == "the command \"test\" has ended (exit status 3)");
    CHECK(exec.result({"5"}) == "5");
}

TEST_CASE("a command that is killed has died, too") {
    Exec exec("for line in lines(): os.kill(os.getpid(), signal.SIGKILL)");
    CHECK(exec.failure().find("signal 9 (SIGKILL)") != std::string::npos);
}

TEST_CASE("a command that cannot be run any more is a transient failure until it can") {
    const TemporaryDirectory directory;
    const auto path = directory.file_with(
        "command", "#!/bin/sh\nread line\necho '{\"results\":[{\"ok\":true,\"result\":1}]}'\n");
    REQUIRE(chmod(path.c_str(), 0700) == 0);
    SinkOptions options;
    ExecSink sink({path}, "test", options);
    REQUIRE(sink.process(batch_of({"1"})));
    REQUIRE(rename(path.c_str(), directory.file("away").c_str()) == 0);
    // Whether this one finds it gone or just going depends on how soon it ends.
    REQUIRE_FALSE(sink.process(batch_of({"1"})));
    const auto result = sink.process(batch_of({"1"}));
    REQUIRE_FALSE(result);
    CHECK(result.error().reason.find("(ENOENT)") != std::string::npos);
    REQUIRE(rename(directory.file("away").c_str(), path.c_str()) == 0);
    CHECK(sink.process(batch_of({"1"})));
}

TEST_CASE("a timeout kills the command with all that it has started") {
    auto exec = Exec::shell("sleep 1000 & echo $! >\"$1\"pid; read line; wait", 300ms);
    CHECK(exec.failure() == "the command \"test\" did not answer within 0.3 s (--exec-timeout)");
    auto pid = text_of(exec.directory.file("pid"));
    pid.pop_back();
    CHECK(comes_true([&] { return !is_running(pid); }));
}

TEST_CASE("a command that does not read its stdin does not hold us up") {
    auto exec = Exec::shell("sleep 1000", 200ms);
    CHECK(exec.failure({'"' + std::string(1U << 20U, 'x') + '"'}).find("within 0.2 s") !=
          std::string::npos);
}

TEST_CASE("a command that closes its stdout without an answer has failed") {
    auto exec = Exec::shell("exec >&-; sleep 1000");
    CHECK(exec.failure() == "the command \"test\" has closed its stdout");
}

TEST_CASE("a command may write while it reads, however much") {
    // As much white space as it has read of the batch, long before it has read all of it.
    Exec exec(R"(
text = b""
while not text.endswith(b"\n"):
    part = os.read(0, 4096)
    text += part
    os.write(1, b" " * len(part))
ok(json.loads(text), lambda m: m["value"] * 2)
)",
              kDeadline, {100ms, 64U << 20U});
    const std::string text(3U << 20U, 'x');
    CHECK(exec.result({'"' + text + '"'}) == '"' + text + text + '"');
}

TEST_CASE("an answer that is none costs the command its life") {
    const auto answers = [](const std::string& python) {
        Exec exec("for line in lines(): print(" + python + ", flush=True)");
        return exec.failure();
    };
    CHECK(answers("'Loading…'").find("has answered Loading… (not JSON") != std::string::npos);
    CHECK(answers(R"('{"results":[]}')").find("0 results for 1 messages") != std::string::npos);
    CHECK(answers(R"('{"results":[{"ok":true}]}\nmore')").find("more than one line") !=
          std::string::npos);
    CHECK(answers("'x' * 2000000").find("more than 1048576 bytes") != std::string::npos);

    Exec exec(R"(
for line in lines():
    print("banner" if json.loads(line)["messages"][0]["value"] == 1 else
          '{"results":[{"ok":true,"result":%d}]}' % os.getpid(), flush=True)
)");
    const auto first = exec.result({"2"});
    CHECK(exec.failure({"1"}).find("banner") != std::string::npos);
    CHECK(exec.result({"2"}) != first);
    CHECK(comes_true([&] { return !is_running(first); }));
}

TEST_CASE("blank lines around an answer do no harm") {
    Exec exec(R"(
for line in lines():
    print('\n \r\n{"results":[{"ok":true,"result":%d}]}\r\n\n' % os.getpid(), flush=True)
)");
    const auto first = exec.result();
    CHECK(exec.result() == first);
}

TEST_CASE("what a command says without being asked is no answer to the next batch") {
    Exec exec(R"(
for line in lines():
    ok(json.loads(line), lambda m: os.getpid())
    print('{"results":[{"ok":true,"result":"stray"}]}', flush=True)
)");
    const auto first = exec.process();  // both lines at once are a failure already
    if (first) {
        CHECK(comes_true([&] { return !is_running(first->front().detail); }));
    }
    const auto second = exec.process();
    CHECK((!second || second->front().detail != "\"stray\""));
}

TEST_CASE("an answer that comes too late for its batch is not taken for another's") {
    // The extra line is written when the next batch is there to be read: nobody can have seen it.
    Exec exec(R"(
last = None
for line in lines():
    batch = json.loads(line)
    if last and not os.path.exists(sys.argv[1] + "told"):
        open(sys.argv[1] + "told", "w")
        answer(last)
    last = {"batch": batch["batch"],
            "results": [{"ok": True, "result": m["value"]} for m in batch["messages"]]}
    answer(last)
)");
    const auto process = [&](std::uint64_t number) {
        return exec.sink->process(batch_of({std::to_string(number)}, number));
    };
    REQUIRE(process(1));
    const auto wrong = process(2);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().kind == SinkFailure::Kind::kTransient);
    for (std::uint64_t number = 2; number < 10; ++number) {
        const auto right = process(number);
        REQUIRE_MESSAGE(right, right.error().reason);
        CHECK(right->front().detail == std::to_string(number));
    }
}

TEST_CASE("a line that comes right behind an answer fails it, wherever a block ends") {
    for (const int size : {1, 65'500, 65'536 - 33, 65'536, 200'000}) {
        CAPTURE(size);
        Exec exec(R"(
for line in lines():
    size = json.loads(line)["messages"][0]["value"]
    text = '{"results":[{"ok":true,"result":"%s"}]}\n' % ("x" * size)
    sys.stdout.write(text + text)  # one write: nothing is left to chance
    sys.stdout.flush()
)");
        CHECK(contains(exec.failure({std::to_string(size)}), "more than one line"));
    }
}

TEST_CASE("a command's own error fails the batch with its words") {
    Exec exec(R"(
for line in lines():
    answer({"error": "no model", "retry": json.loads(line)["messages"][0]["value"] == 1})
)");
    CHECK(exec.failure({"1"}) == "the command \"test\" says: no model");
    const auto permanent = exec.process({"2"});
    REQUIRE_FALSE(permanent);
    CHECK(permanent.error().kind == SinkFailure::Kind::kPermanent);
    CHECK(permanent.error().reason == "no model");  // the words that a rejected message gets
}

TEST_CASE("a command that ends after each answer is started again for each batch") {
    auto exec = Exec::shell(R"(read line; echo '{"results":[{"ok":true,"result":'$$'}]}')");
    const auto first = exec.result();
    REQUIRE(comes_true([&] { return !is_running(first); }));
    CHECK(exec.result() != first);
}

TEST_CASE("a stderr that is filled holds nobody up, whether a batch is processed or not") {
    Exec exec(R"(
noise = ("x" * 100 + "\n") * 20000
sys.stderr.write(noise)
open(sys.argv[1] + "started", "w")
for line in lines():
    sys.stderr.write(noise)
    ok(json.loads(line), lambda m: m["value"])
    sys.stderr.write(noise)
    open(sys.argv[1] + "answered", "w")
)");
    CHECK(comes_true([&] { return access(exec.directory.file("started").c_str(), F_OK) == 0; }));
    CHECK(exec.result() == "1");
    CHECK(comes_true([&] { return access(exec.directory.file("answered").c_str(), F_OK) == 0; }));
}

TEST_CASE("a command has a group of its own, default signals and no descriptor of ours") {
    const int ours = open("/dev/null", O_RDONLY);  // NOLINT: without O_CLOEXEC, as inherited
    REQUIRE(ours > 2);
    auto* const before = std::signal(SIGPIPE, SIG_IGN);
    auto exec = Exec::shell(R"(
read line
group=$(ps -o pgid= -p $$ | tr -d ' ')
signals=$(awk '/SigBlk|SigIgn/ {printf "%s ", $2}' /proc/self/status)
leaked=$(ls -l /proc/$$/fd | grep -c /dev/null)
echo "{\"results\":[{\"ok\":true,\"result\":\"$((group - $$)) $signals$leaked\"}]}"
)");
    CHECK(exec.result() == "\"0 0000000000000000 0000000000000000 0\"");
    std::signal(SIGPIPE, before);
    close(ours);
}

TEST_CASE("at the end stdin is closed, and the command may finish what it does") {
    const TemporaryDirectory directory;
    const auto path = directory.file("end");
    {
        SinkOptions options;
        const ExecSink sink({"/bin/sh", "-c", "cat; echo end >\"$0\"", path}, "test", options);
    }
    CHECK(text_of(path) == "end\n");
}

TEST_CASE("a command that goes on gets SIGTERM, then SIGKILL") {
    auto polite = Exec::shell(
        "trap 'echo $$ >\"$1\"term; exit' TERM; echo >\"$1\"up; "
        "while :; do sleep 0.01; done");
    REQUIRE(comes_true([&] { return access(polite.directory.file("up").c_str(), F_OK) == 0; }));
    polite.sink.reset();
    CHECK_FALSE(text_of(polite.directory.file("term")).empty());

    auto stubborn = Exec::shell("trap '' TERM; echo $$ >\"$1\"up; while :; do sleep 0.01; done");
    const auto file = stubborn.directory.file("up");
    REQUIRE(comes_true([&] { return text_of(file).ends_with('\n'); }));
    auto pid = text_of(file);
    pid.pop_back();
    stubborn.sink.reset();
    CHECK_FALSE(is_running(pid));
}

}  // namespace
}  // namespace blocky::test
