// The thread that owns the sink: verdicts come back, transient failures are tried again, permanent
// ones are cut in halves until the message at fault stands alone.
#include "consumer/worker.hpp"

#include <bit>
#include <cmath>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/deadline.hpp"
#include "tests/support/fake_sink.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Kind = Verdict::Kind;

constexpr RetryPolicy kQuick{std::nullopt, 100us, 200us};

Processed process(Worker& worker, std::shared_ptr<const Batch> batch) {
    worker.submit(std::move(batch));
    REQUIRE(readable(worker.descriptor()));
    auto processed = worker.take_result();
    REQUIRE(processed);
    return std::move(*processed);
}

std::vector<std::size_t> indices_of(const Processed& processed, Kind kind) {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < processed.verdicts.size(); ++i) {
        if (processed.verdicts[i].kind == kind) {
            indices.push_back(i);
        }
    }
    return indices;
}

TEST_CASE("a batch comes back with a verdict for each message and the sink's summary") {
    FakeSink sink;
    Worker worker(sink, kQuick);
    CHECK_FALSE(readable_now(worker.descriptor()));
    CHECK_FALSE(worker.take_result());
    const auto processed = process(worker, shared_batch({"1", "2"}));
    REQUIRE(processed.verdicts.size() == 2);
    CHECK(processed.verdicts[1].kind == Kind::kStored);
    CHECK(processed.verdicts[1].detail == "\"stored\"");
    CHECK(processed.summary.text == "Stored 2 messages");
    CHECK(processed.took >= 0ns);
    CHECK_FALSE(readable_now(worker.descriptor()));
    CHECK_FALSE(worker.take_result());
}

TEST_CASE("batches go to the sink one after the other") {
    FakeSink sink;
    Worker worker(sink, kQuick);
    for (std::size_t size = 1; size <= 20; ++size) {
        CHECK(process(worker, shared_batch(numbers_up_to(size))).verdicts.size() == size);
    }
    CHECK(sink.calls.count() == 20);
}

TEST_CASE("submitting does not wait for a sink that is busy") {
    Gate gate;
    FakeSink sink([&](const Batch& batch) {
        gate.wait();
        return store(batch);
    });
    Worker worker(sink, kQuick);
    worker.submit(shared_batch({"1"}));
    REQUIRE(sink.calls.wait_for(1));
    CHECK_FALSE(worker.take_result());
    CHECK_FALSE(readable_now(worker.descriptor()));
    gate.open();
    REQUIRE(readable(worker.descriptor()));
    CHECK(worker.take_result());
}

TEST_CASE("a transient failure is tried again with the whole batch until it succeeds") {
    int calls = 0;
    FakeSink sink([&](const Batch& batch) {
        CHECK(batch.messages.size() == 3);
        return ++calls <= 4 ? fail_transiently() : store(batch);
    });
    Worker worker(sink, kQuick);
    const auto processed = process(worker, shared_batch({"1", "2", "3"}));
    CHECK(calls == 5);
    CHECK(indices_of(processed, Kind::kStored).size() == 3);
}

TEST_CASE("a sink that throws has failed, and may succeed later") {
    int calls = 0;
    FakeSink sink([&](const Batch& batch) -> BatchResult {
        if (++calls <= 2) {
            throw std::runtime_error("connection lost");
        }
        return store(batch);
    });
    Worker worker(sink, kQuick);
    CHECK(indices_of(process(worker, shared_batch({"1"})), Kind::kStored).size() == 1);
    CHECK(calls == 3);
}

TEST_CASE("a sink that goes on failing is given up after the time for it") {
    FakeSink sink([](const Batch& /*batch*/) { return fail_transiently("the disk is full"); });
    Worker worker(sink, {20ms, 1ms, 2ms});
    const auto start = Clock::now();
    const auto processed = process(worker, shared_batch({"1", "2"}));
    CHECK(Clock::now() - start >= 20ms);
    CHECK(processed.took >= 20ms);
    CHECK(indices_of(processed, Kind::kFailed).size() == 2);
    CHECK(processed.verdicts[0].detail == "the disk is full");
    CHECK(sink.calls.count() >= 2);
}

TEST_CASE("with no time for retries a sink is called once") {
    FakeSink sink([](const Batch& /*batch*/) { return fail_transiently(); });
    Worker worker(sink, {0ms, 1ms, 2ms});
    CHECK(indices_of(process(worker, shared_batch({"1"})), Kind::kFailed).size() == 1);
    CHECK(sink.calls.count() == 1);
}

TEST_CASE("each batch has its own time for retries") {
    int calls = 0;
    FakeSink sink([&](const Batch& batch) {
        // Down for the whole first batch, and for the first call of the second.
        return batch.number == 1 || ++calls == 1 ? fail_transiently() : store(batch);
    });
    Worker worker(sink, {20ms, 1ms, 1ms});
    CHECK(indices_of(process(worker, shared_batch({"1"}, 1)), Kind::kFailed).size() == 1);
    CHECK(indices_of(process(worker, shared_batch({"1"}, 2)), Kind::kStored).size() == 1);
}

TEST_CASE("a message that the sink refuses for good is rejected alone, the others are stored") {
    for (const std::size_t size : {1U, 2U, 3U, 7U, 64U, 1000U}) {
        for (const std::size_t bad : {std::size_t{0}, size / 2, size - 1}) {
            CAPTURE(size);
            CAPTURE(bad);
            FakeSink sink(
                [&](const Batch& batch) { return refuse(batch, std::to_string(bad + 1)); });
            Worker worker(sink, kQuick);
            const auto processed = process(worker, shared_batch(numbers_up_to(size)));
            REQUIRE(processed.verdicts.size() == size);
            CHECK(indices_of(processed, Kind::kRejected) == std::vector{bad});
            CHECK(processed.verdicts[bad].detail == "it takes no " + std::to_string(bad + 1));
            CHECK(indices_of(processed, Kind::kStored).size() == size - 1);
            const int halvings = static_cast<int>(std::bit_width(size - 1));
            CHECK(sink.calls.count() <= 2 * halvings + 1);
        }
    }
}

TEST_CASE("several bad messages are found at the price of a search for each") {
    const std::vector<std::size_t> bad{3, 4, 500, 1023};
    std::set<std::string> stored;
    FakeSink sink([&](const Batch& batch) {
        for (const auto index : bad) {
            auto result = refuse(batch, std::to_string(index + 1));
            if (!result) {
                return result;
            }
        }
        for (const auto& message : batch.messages) {
            CHECK(stored.insert(std::string(message.value)).second);  // once only
        }
        return store(batch);
    });
    Worker worker(sink, kQuick);
    const auto processed = process(worker, shared_batch(numbers_up_to(1024)));
    CHECK(indices_of(processed, Kind::kRejected) == bad);
    CHECK(stored.size() == 1020);
    CHECK(sink.calls.count() <= 4 * (2 * 10 + 1));
}

TEST_CASE("a sink that refuses everything has every message rejected") {
    FakeSink sink([](const Batch& /*batch*/) {
        return fail(SinkFailure::Kind::kPermanent, "no such table");
    });
    Worker worker(sink, kQuick);
    const auto processed = process(worker, shared_batch(numbers_up_to(16)));
    CHECK(indices_of(processed, Kind::kRejected).size() == 16);
    CHECK(sink.calls.count() == 31);
}

TEST_CASE("halves keep the order, the number and the ids of their batch") {
    FakeSink sink([](const Batch& batch) {
        CHECK(batch.number == 9);
        for (std::size_t i = 1; i < batch.messages.size(); ++i) {
            CHECK(batch.messages[i].number == batch.messages[i - 1].number + 1);
        }
        for (const auto& message : batch.messages) {
            CHECK(message.id == "id-" + std::string(message.value));
            CHECK(message.producer == "producer");
        }
        return refuse(batch, "5");
    });
    Worker worker(sink, kQuick);
    const auto processed = process(worker, shared_batch(numbers_up_to(8), 9));
    CHECK(indices_of(processed, Kind::kRejected) == std::vector<std::size_t>{4});
}

TEST_CASE("a transient failure in the middle of a search is tried again, too") {
    int calls = 0;
    FakeSink sink([&](const Batch& batch) {
        return ++calls % 2 == 0 ? fail_transiently() : refuse(batch, "3");
    });
    Worker worker(sink, kQuick);
    const auto processed = process(worker, shared_batch(numbers_up_to(4)));
    CHECK(indices_of(processed, Kind::kRejected) == std::vector<std::size_t>{2});
    CHECK(indices_of(processed, Kind::kStored).size() == 3);
}

TEST_CASE("what was stored before the sink was given up stays stored") {
    FakeSink sink([](const Batch& batch) {
        const bool first_half = batch.messages.back().value == "2";
        if (batch.messages.size() == 4) {
            return fail(SinkFailure::Kind::kPermanent, "too many at once");
        }
        return first_half ? store(batch) : fail_transiently();
    });
    Worker worker(sink, {10ms, 1ms, 1ms});
    const auto processed = process(worker, shared_batch(numbers_up_to(4)));
    CHECK(indices_of(processed, Kind::kStored) == std::vector<std::size_t>{0, 1});
    CHECK(indices_of(processed, Kind::kFailed) == std::vector<std::size_t>{2, 3});
}

TEST_CASE("verdicts of the sink itself are passed on as they are") {
    FakeSink sink([](const Batch& /*batch*/) -> BatchResult {
        return std::vector<Verdict>{{Kind::kDuplicate, ""}, {Kind::kRejected, "too old"}, {}};
    });
    Worker worker(sink, kQuick);
    const auto processed = process(worker, shared_batch({"1", "2", "3"}));
    CHECK(processed.verdicts[0].kind == Kind::kDuplicate);
    CHECK(processed.verdicts[1].detail == "too old");
    CHECK(sink.calls.count() == 1);
}

TEST_CASE("a worker that is told to stop ends its retries at once") {
    FakeSink sink([](const Batch& /*batch*/) { return fail_transiently(); });
    {
        Worker worker(sink, {std::nullopt, 1h, 1h});
        worker.submit(shared_batch({"1"}));
        REQUIRE(sink.returns.wait_for(1));
    }
    CHECK(sink.calls.count() == 1);
}

TEST_CASE("a worker without a batch can be destroyed at once") {
    FakeSink sink;
    for (int i = 0; i < 50; ++i) {
        const Worker worker(sink, kQuick);
    }
    CHECK(sink.calls.count() == 0);
}

}  // namespace
}  // namespace blocky::test
