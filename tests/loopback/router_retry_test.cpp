// A sink that fails and one that refuses, as a producer sees it: held for as long as it is tried
// again, then told; and never told of a refusal before the dead-letter file has it.
#include <string>

#include <doctest/doctest.h>

#include "consumer/router.hpp"
#include "tests/support/captured_log.hpp"
#include "tests/support/dealer.hpp"
#include "tests/support/failing_file.hpp"
#include "tests/support/running_router.hpp"

namespace blocky::test {
namespace {

// Refuses everything in the router's own turn, unless the worker has reason not to be called there.
class InlineSink : public FakeSink {
public:
    using FakeSink::FakeSink;
    bool is_inline() const override { return true; }
};

BatchResult refuse_all(const Batch& batch) {
    return std::vector<Verdict>(batch.messages.size(), {Verdict::Kind::kRejected, "too old"});
}

TEST_CASE("a sink that fails past the time for retries has its producers told, and may recover") {
    CapturedLog log;
    {
        FakeSink sink([](const Batch& batch) {
            return batch.number == 2 ? fail_transiently("the disk is full") : store(batch);
        });
        RunningRouter router(sink, batches_of(2), {20ms, 1ms, 2ms});
        Dealer client(router.context(), router.endpoint());
        client.push("a");
        client.push("b");
        for (const std::string tag : {"a", "b"}) {
            const auto answer = client.reply_to(tag);
            CHECK(answer.code() == "sink_failed");
            CHECK(answer.body["id"] == tag);
            CHECK(answer.body["retry"] == true);
        }
        CHECK(sink.calls.count() >= 2);
        client.push("a");  // it was forgotten, so it is no duplicate
        client.push("b");
        CHECK(client.reply_to("a").ok());
        CHECK(client.reply_to("b").body["batch"] == 3);
    }
    const auto lines = log.lines();
    const auto said = [&](std::string_view text) {
        return std::ranges::count_if(lines,
                                     [&](const std::string& line) { return contains(line, text); });
    };
    CHECK(said("the sink fails: the disk is full") == 1);
    CHECK(said("batch 2 is given up: 2 messages") == 1);
    CHECK(said("the sink works again") == 1);
}

TEST_CASE(
    "a refusal is told once it is in the dead-letter file, and others are answered meanwhile") {
    const TemporaryDirectory directory;
    FailingFile calls;
    calls.failing_syncs = 1'000'000;
    DeadLetter dead(directory.file("dead"), "run", calls);
    InlineSink sink(refuse_all);
    {
        RunningRouter router(sink, batches_of(1), {50ms, 1ms, 2ms}, "/dev/null", &dead);
        Dealer client(router.context(), router.endpoint());
        client.push("a");
        client.sync();  // the router turns while the file is tried again
        const auto answer = client.reply_to("a");
        CHECK(answer.code() == "sink_failed");
        CHECK(contains(answer.body["message"].get<std::string>(), "dead-letter"));
    }
    CHECK(sink.calls.count() == 1);
    calls.failing_syncs = 3;
    {
        RunningRouter router(sink, batches_of(1), {std::nullopt, 1ms, 2ms}, "/dev/null", &dead);
        Dealer client(router.context(), router.endpoint());
        client.push("a");
        CHECK(client.reply_to("a").code() == "rejected");
        const auto text = text_of(dead.path());
        CHECK(contains(text, R"("error":"too old")"));
        CHECK(std::ranges::count(text, '\n') == 1);
    }
    CHECK(sink.calls.count() == 2);
}

}  // namespace
}  // namespace blocky::test
