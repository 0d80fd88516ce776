// The router between real sockets and a fake sink: who is held, who is released, and that a sink
// that is slow, fails or refuses never keeps it from answering others.
#include "consumer/router.hpp"

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/dealer.hpp"
#include "tests/support/running_router.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a message is answered when its batch has been processed") {
    FakeSink sink;
    RunningRouter router(sink, batches_of(2));
    Dealer client(router.context(), router.endpoint());
    client.push("a");
    client.sync();
    CHECK(sink.calls.count() == 0);
    client.push("b");
    for (const std::string tag : {"a", "b"}) {
        const auto answer = client.reply_to(tag);
        CHECK(answer.body == nlohmann::json::parse(R"({"status":"ok","id":")" + tag +
                                                   R"(","batch":2,"size":2,"result":"stored"})"));
    }
}

TEST_CASE("the timer releases what is held, batch after batch") {
    FakeSink sink;
    auto options = batches_of(1000);
    options.batcher.interval = 20ms;
    RunningRouter router(sink, options);
    Dealer client(router.context(), router.endpoint());
    std::uint64_t last = 0;
    for (int i = 0; i < 5; ++i) {
        client.push(std::to_string(i));
        const auto answer = client.reply_to(std::to_string(i));
        CHECK(answer.body["batch"].get<std::uint64_t>() > last);
        last = answer.body["batch"].get<std::uint64_t>();
    }
}

TEST_CASE("a sink that is slow does not keep the router from answering others") {
    Gate gate;
    FakeSink sink([&](const Batch& batch) {
        if (batch.number > 2) {
            gate.wait();
        }
        return store(batch);
    });
    auto options = batches_of(1);
    options.batcher.max_held = 2;
    options.max_message_bytes = 100;
    RunningRouter router(sink, options);
    Dealer client(router.context(), router.endpoint());
    client.push("done");
    CHECK(client.reply_to("done").ok());

    client.push("slow");
    REQUIRE(sink.calls.wait_for(2));
    client.push("waiting");
    client.sync();
    client.push("busy");
    const auto busy = client.reply_to("busy");
    CHECK(busy.code() == "busy");
    CHECK(busy.body["retry_after_ms"] > 0);
    client.push("done");
    CHECK(client.reply_to("done").body["duplicate"] == true);
    client.push("objectionable", "\"objectionable\"");
    CHECK(client.reply_to("objectionable").code() == "bad_request");
    client.push("large", std::string(100, '1'));
    CHECK(client.reply_to("large").code() == "too_large");
    client.send("version", R"({"value":1,"v":2})");
    CHECK(client.reply_to("version").code() == "unsupported_version");

    gate.open();
    CHECK(client.reply_to("slow").body["batch"] == 3);
    CHECK(client.reply_to("waiting").body["batch"] == 4);
}

TEST_CASE("producers stay held while a sink fails, and are released when it succeeds") {
    Gate repaired;
    Counter failures;
    FakeSink sink([&](const Batch& batch) {
        if (failures.step() <= 3) {
            return fail_transiently();
        }
        repaired.wait();
        return store(batch);
    });
    RunningRouter router(sink, batches_of(2));
    Dealer client(router.context(), router.endpoint());
    client.push("a");
    client.push("b");
    REQUIRE(failures.wait_for(4));
    client.sync();
    repaired.open();
    CHECK(client.reply_to("a").ok());
    CHECK(client.reply_to("b").ok());
    CHECK(sink.calls.count() == 4);
}

TEST_CASE("a message that the sink refuses is rejected alone") {
    FakeSink sink([](const Batch& batch) { return refuse(batch, "3"); });
    RunningRouter router(sink, batches_of(5));
    Dealer client(router.context(), router.endpoint());
    for (const auto& number : numbers_up_to(5)) {
        client.push(number, number);
    }
    for (const auto& number : numbers_up_to(5)) {
        const auto answer = client.reply_to(number);
        CHECK(answer.code() == (number == "3" ? "rejected" : "ok"));
        if (number == "3") {
            CHECK(answer.body["retry"] == false);
            CHECK(answer.body["message"] == "it takes no 3");
        } else {
            CHECK(answer.body["size"] == 5);
        }
    }
}

TEST_CASE("a sink that is given up answers sink_failed, and the same id may come again") {
    std::atomic<bool> broken = true;  // the sink's thread reads it
    FakeSink sink([&](const Batch& batch) {
        return broken ? fail_transiently("the disk is full") : store(batch);
    });
    RunningRouter router(sink, batches_of(1), {20ms, 1ms, 2ms});
    Dealer client(router.context(), router.endpoint());
    client.push("a");
    const auto failed = client.reply_to("a");
    CHECK(failed.code() == "sink_failed");
    CHECK(failed.body["retry"] == true);
    CHECK(failed.body["message"] == "the disk is full");
    broken = false;
    client.push("a");
    const auto stored = client.reply_to("a");
    CHECK(stored.ok());
    CHECK_FALSE(stored.body.contains("duplicate"));
}

TEST_CASE("of two that send the same id the newest is answered, once") {
    std::mutex mutex;
    std::vector<std::string> values;  // guarded by mutex
    FakeSink sink([&](const Batch& batch) {
        const std::lock_guard lock(mutex);
        for (const auto& message : batch.messages) {
            values.emplace_back(message.value);
        }
        return store(batch);
    });
    RunningRouter router(sink, batches_of(2));
    Dealer first(router.context(), router.endpoint());
    Dealer second(router.context(), router.endpoint());
    first.push("same", "1");
    first.sync();
    second.push("same", "2");
    second.sync();
    second.push("other", "3");
    CHECK(second.reply_to("same").body["size"] == 2);
    CHECK(second.reply_to("other").ok());
    first.sync();  // nothing came for the first sender
    const std::lock_guard lock(mutex);
    CHECK(values == std::vector<std::string>{"1", "3"});
}

TEST_CASE("a producer that has gone costs nobody else a reply") {
    Gate gate;
    FakeSink sink([&](const Batch& batch) {
        gate.wait();
        return store(batch);
    });
    RunningRouter router(sink, batches_of(2));
    Dealer client(router.context(), router.endpoint());
    {
        zmq::context_t context;
        Dealer leaver(context, router.endpoint());
        leaver.push("gone");
        leaver.sync();
    }
    client.push("here");
    REQUIRE(sink.calls.wait_for(1));
    client.sync();
    gate.open();
    CHECK(client.reply_to("here").body["size"] == 2);
    router.stop();
    CHECK(router.finished());
    CHECK(router.metrics().messages == 2);
    CHECK(router.metrics().undeliverable <= 1);
}

TEST_CASE("answers on receipt do not wait for the sink") {
    Gate gate;
    FakeSink sink([&](const Batch& batch) {
        gate.wait();
        return store(batch);
    });
    auto options = batches_of(1);
    options.batcher.answer_on_receipt = true;
    options.batcher.max_held = 3;
    RunningRouter router(sink, options);
    Dealer client(router.context(), router.endpoint());
    for (const std::string tag : {"a", "b", "c"}) {
        client.push(tag);
        CHECK(client.reply_to(tag).body == nlohmann::json{{"status", "ok"}, {"id", tag}});
    }
    client.push("d");
    CHECK(client.reply_to("d").code() == "busy");
    gate.open();
    router.stop();
    CHECK(router.finished());
    CHECK(sink.calls.count() == 3);
}

TEST_CASE("a batch is in the log before anybody is answered") {
    const TemporaryDirectory directory;
    const auto log = directory.file("log");
    FakeSink sink;
    RunningRouter router(sink, batches_of(1), {std::nullopt, 1ms, 2ms}, log);
    Dealer client(router.context(), router.endpoint());
    for (int i = 0; i < 20; ++i) {
        client.push(std::to_string(i));
        const auto batch = client.reply().body["batch"].get<int>();
        const auto line = " batch=" + std::to_string(batch) + " Stored 1 messages (held ";
        CHECK(text_of(log).find(line) != std::string::npos);
    }
    CHECK(text_of(log).find(" batch=1 Stored 0 messages (held 0 ms") != std::string::npos);
}

TEST_CASE("many clients with many messages each are all answered, each once") {
    std::set<std::string> stored;
    FakeSink sink([&](const Batch& batch) {
        for (const auto& message : batch.messages) {
            CHECK(stored.insert(std::string(message.id)).second);
        }
        return store(batch);
    });
    RunningRouter router(sink, batches_of(100));
    std::vector<std::unique_ptr<Dealer>> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(std::make_unique<Dealer>(router.context(), router.endpoint()));
        for (int j = 0; j < 100; ++j) {
            clients.back()->push(std::to_string(i) + "-" + std::to_string(j));
        }
    }
    for (int i = 0; i < 20; ++i) {
        for (int j = 0; j < 100; ++j) {
            const auto tag = std::to_string(i) + "-" + std::to_string(j);
            CHECK(clients[static_cast<std::size_t>(i)]->reply_to(tag).body["size"] == 100);
        }
    }
    router.stop();
    CHECK(router.finished());
    CHECK(stored.size() == 2000);
}

}  // namespace
}  // namespace blocky::test
