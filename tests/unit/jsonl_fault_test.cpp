// What `ok` of the sink jsonl is worth: over a disk that fails at any call and stops at any byte,
// what was acknowledged is there once, and what was not never stays half.
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "consumer/sinks/jsonl.hpp"
#include "tests/support/fake_file_system.hpp"
#include "tests/support/jsonl_lines.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Strings = std::vector<std::string>;

const std::string kPath = "/data/events.jsonl";

Batch batch_with(const Strings& ids) {
    Batch batch;
    batch.number = 1;
    for (const auto& id : ids) {
        batch.add(1, "p", id, "1", Clock::now());
    }
    return batch;
}

// The next batch comes to the cache, and is neither synced nor cut off: state, append, sync, cut.
void fail_sync_and_cut(FakeFileSystem& system) {
    system.fail_call(3, std::errc::io_error, 1);
}

const std::vector<Strings> kBatches{{"a", "b"}, {"c"}, {"d", "e", "f"}};
const Strings kAll{"a", "b", "c", "d", "e", "f"};

// Makes the sink and stores the batches, trying again as the worker does. Nothing but `kAll` in the
// file is right in the end, whichever call failed.
class Run {
public:
    explicit Run(FakeFileSystem& system) : system_(system) {}

    // What was acknowledged is on the disk, at each moment that something is.
    void store_all() {
        for (const auto& ids : kBatches) {
            while (!try_once(ids)) {
                ++failures_;
                REQUIRE(failures_ < 10);
            }
            acknowledged_.insert(acknowledged_.end(), ids.begin(), ids.end());
            CHECK(system_.inode(kPath).on_disk);
            CHECK(ids_in(system_.inode(kPath).after_stop()) == acknowledged_);
        }
    }
    int failures() const { return failures_; }

private:
    bool try_once(const Strings& ids) {
        try {
            if (!sink_) {
                sink_.emplace(system_, kPath, "run", 100);
            }
        } catch (const std::runtime_error&) {
            return false;
        }
        const auto result = sink_->process(batch_with(ids));
        CHECK((result || result.error().kind == SinkFailure::Kind::kTransient));
        return result.has_value();
    }

    FakeFileSystem& system_;
    std::optional<JsonlSink> sink_;
    Strings acknowledged_;
    int failures_ = 0;
};

TEST_CASE("whichever call fails, ok means on the disk, and each message is there once") {
    int calls = 0;
    int failures = 0;
    for (bool failed = true; failed; ++calls) {
        CAPTURE(calls);
        FakeFileSystem system;
        system.fail_call(calls + 1);
        Run run(system);
        run.store_all();
        CHECK(ids_in(system.text(kPath)) == kAll);
        failed = system.has_failed();
        failures += run.failures();
    }
    CHECK(calls > 12);
    CHECK(failures >= 10);
}

// As when the cut right after a failure does not succeed either.
TEST_CASE("whichever two calls in a row fail, the same") {
    for (int first = 1; first < 20; ++first) {
        CAPTURE(first);
        FakeFileSystem system;
        system.fail_call(first, std::errc::io_error, 1);
        Run(system).store_all();
        CHECK(ids_in(system.text(kPath)) == kAll);
    }
}

TEST_CASE("whichever call fails with a file that has lines and a torn one, the same") {
    FakeFileSystem before;
    Run(before).store_all();
    const auto text = before.text(kPath);
    for (int call = 1; call < 20; ++call) {
        CAPTURE(call);
        FakeFileSystem system;
        system.put(kPath, text.substr(0, text.size() - 5));
        system.fail_call(call);
        std::optional<JsonlSink> sink;
        for (int tries = 0; !sink; ++tries) {
            REQUIRE(tries < 3);
            try {
                sink.emplace(system, kPath, "run", 100);
            } catch (const std::runtime_error&) {
                continue;
            }
        }
        while (!sink->process(batch_with({"f", "g"}))) {
        }
        CHECK(ids_in(system.inode(kPath).after_stop()) ==
              Strings{"a", "b", "c", "d", "e", "f", "g"});
    }
}

TEST_CASE("stopped at any byte of a batch, what is sent again is there once") {
    FakeFileSystem first;
    JsonlSink sink(first, kPath, "run", 100);
    REQUIRE(sink.process(batch_with({"a", "b"})));
    fail_sync_and_cut(first);
    REQUIRE_FALSE(sink.process(batch_with({"c", "d"})));
    const auto& inode = first.inode(kPath);
    REQUIRE(inode.cache.size() > inode.synced());
    for (std::size_t more = 0; more <= inode.cache.size() - inode.synced(); ++more) {
        CAPTURE(more);
        FakeFileSystem system;
        system.put(kPath, inode.after_stop(more));
        JsonlSink restarted(system, kPath, "run", 100);
        REQUIRE(restarted.process(batch_with({"c", "d"})));
        CHECK(ids_in(system.inode(kPath).after_stop()) == Strings{"a", "b", "c", "d"});
    }
}

TEST_CASE("what a killed consumer left in the cache is on the disk before it is believed") {
    FakeFileSystem system;
    {
        JsonlSink killed(system, kPath, "run", 100);
        REQUIRE(killed.process(batch_with({"a"})));
    }
    auto& inode = system.inode(kPath);
    const auto line = inode.cache;
    inode.disk.clear();
    std::ranges::fill(inode.state, 'd');
    inode.on_disk = false;
    JsonlSink sink(system, kPath, "run", 100);
    const auto result = sink.process(batch_with({"a"}));
    REQUIRE(result);
    CHECK(result->front().kind == Verdict::Kind::kDuplicate);
    CHECK(inode.after_stop() == line);
    CHECK(inode.on_disk);
}

TEST_CASE("a full disk fails with its reason, for as long as it is full, and then goes on") {
    FakeFileSystem system;
    JsonlSink sink(system, kPath, "run", 100);
    REQUIRE(sink.process(batch_with({"a"})));
    system.fail_call(2, std::errc::no_space_on_device);
    const auto full = sink.process(batch_with({"b"}));
    REQUIRE_FALSE(full);
    CHECK(full.error().reason.find("cannot write ") == 0);
    CHECK(full.error().reason.find(" bytes to /data/events.jsonl: No space left on device") !=
          std::string::npos);
    CHECK(ids_in(system.text(kPath)) == Strings{"a"});  // nothing half is left meanwhile
    system.fail_all(std::errc::no_space_on_device);
    for (int tries = 0; tries < 5; ++tries) {
        CHECK_FALSE(sink.process(batch_with({"b"})));
    }
    system.fail_all(std::nullopt);
    REQUIRE(sink.process(batch_with({"b"})));
    CHECK(ids_in(system.text(kPath)) == Strings{"a", "b"});
}

TEST_CASE(
    "after a failure that left something, a rotated file is not touched, and nothing is lost") {
    FakeFileSystem system;
    JsonlSink sink(system, kPath, "run", 100);
    REQUIRE(sink.process(batch_with({"a"})));
    fail_sync_and_cut(system);
    REQUIRE_FALSE(sink.process(batch_with({"b"})));
    system.rename(kPath, "/data/old");
    sink.request_reopen();
    REQUIRE(sink.process(batch_with({"b", "c"})));
    CHECK(ids_in(system.text(kPath)) == Strings{"b", "c"});
    CHECK(ids_in(system.text("/data/old")).front() == "a");
}

TEST_CASE("after a failure the file is opened afresh, and stays locked until then") {
    FakeFileSystem system;
    JsonlSink sink(system, kPath, "run", 100);
    system.fail_call(3);  // state, append, sync
    REQUIRE_FALSE(sink.process(batch_with({"a"})));
    CHECK(system.inode(kPath).locked);
    CHECK(system.opens() == 1);
    REQUIRE(sink.process(batch_with({"a"})));
    CHECK(system.opens() == 2);
}

// Which has the file to itself meanwhile.
void store_by_another(FakeFileSystem& system, const Strings& ids) {
    JsonlSink other(system, kPath, "other", 100);
    REQUIRE(other.process(batch_with(ids)));
}

TEST_CASE("while something in it must be cut off, nobody else gets the file") {
    for (const int failing : {2, 3}) {  // half of the batch is written, or all of it
        CAPTURE(failing);
        FakeFileSystem system;
        JsonlSink sink(system, kPath, "run", 100);
        REQUIRE(sink.process(batch_with({"a"})));
        system.fail_call(failing, std::errc::io_error, 1);
        const auto batch = batch_with({"b", "c", "d"});
        REQUIRE_FALSE(sink.process(batch));
        for (const bool asked : {false, true}) {
            if (asked) {
                sink.request_reopen();
            }
            system.fail_call(1, std::errc::io_error, 1);
            const auto result = sink.process(batch);
            REQUIRE_FALSE(result);
            CHECK(result.error().reason ==
                  "cannot cut back /data/events.jsonl: Input/output error");
            CHECK_THROWS_AS(store_by_another(system, {"x"}), std::runtime_error);
        }
        system.refuse_open(true);  // the cut succeeds, so the lock may go
        REQUIRE_FALSE(sink.process(batch));
        CHECK(ids_in(system.text(kPath)) == Strings{"a"});
        system.refuse_open(false);
        store_by_another(system, {"x"});
        REQUIRE(sink.process(batch));
        CHECK(ids_in(system.inode(kPath).after_stop()) == Strings{"a", "x", "b", "c", "d"});
        CHECK(sink.process(batch_with({"x"}))->front().kind == Verdict::Kind::kDuplicate);
    }
}

TEST_CASE("a file that somebody has cut after a failure is not made longer again") {
    FakeFileSystem system;
    JsonlSink sink(system, kPath, "run", 100);
    REQUIRE(sink.process(batch_with({"a"})));
    fail_sync_and_cut(system);
    REQUIRE_FALSE(sink.process(batch_with({"b"})));
    system.inode(kPath).cache = "by hand\n";
    system.inode(kPath).state = "dddddddd";
    REQUIRE(sink.process(batch_with({"b"})));
    CHECK(system.text(kPath).starts_with("by hand\n{"));
}

TEST_CASE("asked to reopen what cannot be opened at once, it learns what was added meanwhile") {
    FakeFileSystem system;
    JsonlSink sink(system, kPath, "run", 100);
    REQUIRE(sink.process(batch_with({"a"})));
    sink.request_reopen();
    system.refuse_open(true);
    REQUIRE_FALSE(sink.process(batch_with({"b"})));
    system.refuse_open(false);
    store_by_another(system, {"b", "x"});
    const auto result = sink.process(batch_with({"a", "b", "c"}));
    REQUIRE(result);
    CHECK(ids_in(system.text(kPath)) == Strings{"a", "b", "x", "c"});
}

TEST_CASE("whichever calls in a row fail, up to eight, ok means on the disk") {
    for (int more = 2; more < 8; ++more) {
        for (int first = 1; first < 20; ++first) {
            CAPTURE(more);
            CAPTURE(first);
            FakeFileSystem system;
            system.fail_call(first, std::errc::io_error, more);
            Run(system).store_all();
            CHECK(ids_in(system.text(kPath)) == kAll);
        }
    }
}

TEST_CASE("a batch that was given up does not come back with the next one") {
    FakeFileSystem system;
    JsonlSink sink(system, kPath, "run", 100);
    fail_sync_and_cut(system);
    REQUIRE_FALSE(sink.process(batch_with({"a", "b"})));
    REQUIRE(sink.process(batch_with({"c"})));
    CHECK(ids_in(system.text(kPath)) == Strings{"c"});
    const auto result = sink.process(batch_with({"a"}));
    REQUIRE(result);
    CHECK(result->front().kind == Verdict::Kind::kStored);
}

}  // namespace
}  // namespace blocky::test
