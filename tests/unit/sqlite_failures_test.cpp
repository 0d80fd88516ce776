// The sink sqlite when a row, another program, the disk or the file itself is against it.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "consumer/sinks/sqlite.hpp"
#include "consumer/worker.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/sqlite_file.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a row that the table refuses fails for good, and nothing of its batch is there") {
    const Stage stage;
    const auto sink = stage.sink();
    const auto result = sink->process(batch_with("a", {"1", "no JSON", "3"}));
    CHECK(contains(reason(result, SinkFailure::Kind::kPermanent),
                   "CHECK constraint failed: json_valid(value)"));
    CHECK(stage.count() == 0);
    CHECK(stored(sink->process(batch_with("a", {"1", "2"}))));
}

TEST_CASE("the worker finds a poisoned message among a thousand") {
    const Stage stage;
    const auto sink = stage.sink();
    auto values = numbers_up_to(1000);
    values[617] = "no JSON";
    Worker worker(*sink, RetryPolicy{});
    worker.submit(std::make_shared<const Batch>(batch_with("a", values)));
    REQUIRE(readable(worker.descriptor()));
    const auto processed = worker.take_result();
    REQUIRE(processed);
    for (std::size_t i = 0; i < values.size(); ++i) {
        CHECK(processed->verdicts[i].kind == (i == 617 ? Kind::kRejected : Kind::kStored));
    }
    CHECK(contains(processed->verdicts[617].detail, "CHECK constraint failed"));
    CHECK(processed->summary.json == R"({"stored":999,"duplicates":0})");
    CHECK(stage.rows("SELECT count(*), count(DISTINCT id) FROM messages") == Rows{"999|999"});
}

TEST_CASE("a constraint or trigger of the operator's own refuses a message for good") {
    const Stage stage;
    auto sink = stage.sink();
    stage.rows(
        "CREATE TRIGGER small BEFORE INSERT ON messages WHEN new.value > '5' "
        "BEGIN SELECT RAISE(ABORT, 'too much'); END");
    CHECK(
        contains(reason(sink->process(batch_with("a", {"1", "9"})), SinkFailure::Kind::kPermanent),
                 "too much"));
    stage.rows("DROP TRIGGER small");
    stage.rows(
        "CREATE TRIGGER small BEFORE INSERT ON messages WHEN new.value > '5' "
        "BEGIN SELECT RAISE(ROLLBACK, 'far too much'); END");
    CHECK(
        contains(reason(sink->process(batch_with("a", {"1", "9"})), SinkFailure::Kind::kPermanent),
                 "far too much"));
    CHECK(stage.count() == 0);
    CHECK(stored(sink->process(batch_with("a", {"1", "2"}))));
}

TEST_CASE("a message that a trigger leaves out is rejected, and no duplicate of a row") {
    const Stage stage;
    const auto sink = stage.sink();
    CHECK(stored(sink->process(batch_with("a", {"1"}))));
    stage.rows(
        "CREATE TRIGGER small BEFORE INSERT ON messages WHEN new.value > '5' "
        "BEGIN SELECT RAISE(IGNORE); END");
    auto batch = batch_with("a", {"1", "9", "3"}, 2);
    batch.add(4, "p", "a-3", "4");
    batch.add(5, "p", "a-2", "9");
    const auto result = sink->process(batch);
    REQUIRE(result);
    const std::vector<Kind> expected{Kind::kDuplicate, Kind::kRejected, Kind::kStored,
                                     Kind::kDuplicate, Kind::kRejected};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK((*result)[i].kind == expected[i]);
    }
    CHECK((*result)[1].detail == "a trigger of the table leaves it out: no row was made of it");
    CHECK(stage.rows("SELECT id, value FROM messages") == Rows{"a-1|1", "a-3|3"});
}

TEST_CASE("a file that another program has locked is tried again until it is free") {
    const Stage stage;
    const auto sink = stage.sink();
    OtherProgram other(stage.path);
    other("BEGIN IMMEDIATE");
    const auto batch = batch_with("a", {"1", "2"});
    CHECK(contains(transient_reason(sink->process(batch)), "database is locked"));
    CHECK(contains(transient_reason(sink->process(batch)), "by another program"));
    other("COMMIT");
    CHECK(stored(sink->process(batch)));
    CHECK(stage.count() == 2);
}

TEST_CASE("a lock of moments is waited for") {
    const Stage stage;
    const auto sink = stage.sink("run", 20s);
    OtherProgram other(stage.path);
    other("BEGIN IMMEDIATE");
    Counter begun;
    bool went_well = false;
    std::thread writer([&] {
        begun.step();
        went_well = sink->process(batch_with("a", {"1"})).has_value();
    });
    CHECK(begun.wait_for(1));
    other("COMMIT");
    writer.join();
    CHECK(went_well);
}

TEST_CASE("readers neither hold batches up nor see half of one") {
    const Stage stage;
    const auto sink = stage.sink();
    OtherProgram reader(stage.path);
    reader("BEGIN");
    CHECK(reader("SELECT count(*) FROM messages") == Rows{"0"});
    CHECK(stored(sink->process(batch_with("a", numbers_up_to(5000)))));
    CHECK(reader("SELECT count(*) FROM messages") == Rows{"0"});
    reader("COMMIT");
    CHECK(reader("SELECT count(*) FROM messages") == Rows{"5000"});
}

TEST_CASE("two consumers share one file, and its ids") {
    const Stage stage;
    constexpr int kBatches = 50;
    std::vector<std::size_t> stored_by(2);
    std::vector<std::thread> consumers;
    for (std::size_t mine = 0; mine < 2; ++mine) {
        consumers.emplace_back([&, mine] {
            const auto sink = stage.sink(fmt::format("run-{}", mine), 20s);
            for (int number = 1; number <= kBatches; ++number) {
                const auto result =
                    sink->process(batch_with(fmt::format("b{}", number), numbers_up_to(20)));
                stored_by[mine] += result ? static_cast<std::size_t>(std::ranges::count(
                                                *result, Kind::kStored, &Verdict::kind))
                                          : 100'000;
            }
        });
    }
    for (auto& consumer : consumers) {
        consumer.join();
    }
    CHECK(stored_by[0] + stored_by[1] == kBatches * 20);
    CHECK(stage.rows("SELECT count(*), count(DISTINCT id) FROM messages") == Rows{"1000|1000"});
}

// No file may grow beyond so much: writes fail as on a broken disk (EFBIG, "disk I/O error").
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        REQUIRE(getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit limit{bytes, before_.rlim_max};
        REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int);
};

TEST_CASE("after writes that failed it goes on, with each message there once") {
    const Stage stage;
    const auto sink = stage.sink();
    const auto large = std::vector<std::string>(100, '"' + std::string(10'000, 'x') + '"');
    CHECK(stored(sink->process(batch_with("a", large))));
    {
        const FileSizeLimit limit(64 << 10);
        CHECK(
            contains(transient_reason(sink->process(batch_with("b", large, 2))), "disk I/O error"));
        transient_reason(sink->process(batch_with("b", large, 2)));
    }
    CHECK(stored(sink->process(batch_with("b", large, 2))));
    CHECK(stored(sink->process(batch_with("c", large, 3))));
    CHECK(stage.rows("SELECT count(*), count(DISTINCT id) FROM messages") == Rows{"300|300"});
    CHECK(stage.rows("PRAGMA integrity_check") == Rows{"ok"});
}

TEST_CASE("after a failure what the log holds is moved to the file before a batch is taken") {
    const Stage stage;
    const auto sink = stage.sink();
    CHECK(stored(sink->process(batch_with("a", {"1"}))));
    OtherProgram reader(stage.path);
    reader("BEGIN");
    CHECK(reader("SELECT count(*) FROM messages") == Rows{"1"});
    CHECK(stored(sink->process(batch_with("b", {"1"}))));
    stage.rows("ALTER TABLE messages RENAME TO gone");
    CHECK(contains(transient_reason(sink->process(batch_with("c", {"1"}))), "no such table"));
    CHECK(contains(transient_reason(sink->process(batch_with("c", {"1"}))), "reads an old state"));
    reader("COMMIT");
    CHECK(stored(sink->process(batch_with("c", {"1"}))));
    CHECK(stage.rows("SELECT id FROM gone UNION ALL SELECT id FROM messages") ==
          Rows{"a-1", "b-1", "c-1"});
}

TEST_CASE("a file that is moved away is made anew, and has all that was answered for") {
    const Stage stage;
    const auto sink = stage.sink();
    CHECK(stored(sink->process(batch_with("a", {"1", "2"}))));
    std::filesystem::rename(stage.path, stage.directory / "old.db");
    CHECK(contains(transient_reason(sink->process(batch_with("b", {"3"}, 2))),
                   "was moved away or removed"));
    CHECK(stored(sink->process(batch_with("b", {"3"}, 2))));
    CHECK(stage.rows("SELECT id FROM messages") == Rows{"b-1"});
    OtherProgram old(stage.directory / "old.db");
    CHECK(old("SELECT id FROM messages WHERE id LIKE 'a-%'") == Rows{"a-1", "a-2"});
}

TEST_CASE("moved away while others have it open, a file is not made anew until they close it") {
    const Stage stage;
    const auto sink = stage.sink();
    CHECK(stored(sink->process(batch_with("a", {"1"}))));
    const auto moved = stage.directory / "old.db";
    {
        OtherProgram reader(stage.path);
        CHECK(reader("SELECT id FROM messages") == Rows{"a-1"});
        std::filesystem::rename(stage.path, moved);
        for (int tries = 0; tries < 3; ++tries) {
            CHECK(contains(transient_reason(sink->process(batch_with("b", {"1"}))),
                           "other programs have it open"));
            CHECK_FALSE(std::filesystem::exists(stage.path));
        }
        CHECK(reader("SELECT id FROM messages") == Rows{"a-1", "b-1"});
    }
    CHECK(stored(sink->process(batch_with("b", {"1"}))));
    CHECK(stage.rows("SELECT id FROM messages") == Rows{"b-1"});
    OtherProgram old(moved);
    CHECK(old("SELECT id FROM messages") == Rows{"a-1", "b-1"});
    CHECK(old("PRAGMA integrity_check") == Rows{"ok"});
}

TEST_CASE("of two consumers whose file is moved away one moves the log, and neither loses a row") {
    const Stage stage;
    const auto first = stage.sink();
    const auto second = stage.sink();
    CHECK(stored(first->process(batch_with("a", {"1", "2"}))));
    CHECK(stored(second->process(batch_with("b", {"1", "2"}))));
    std::filesystem::rename(stage.path, stage.directory / "old.db");
    CHECK(contains(transient_reason(first->process(batch_with("c", {"1"}))), "stop them"));
    CHECK(contains(transient_reason(second->process(batch_with("d", {"1"}))), "another consumer"));
    CHECK(contains(transient_reason(second->process(batch_with("d", {"1"}))), "is still there"));
    CHECK(stored(first->process(batch_with("c", {"1"}))));
    CHECK(stored(second->process(batch_with("d", {"1"}))));
    CHECK(stage.rows("SELECT id FROM messages") == Rows{"c-1", "d-1"});
    OtherProgram old(stage.directory / "old.db");
    CHECK(old("SELECT id FROM messages WHERE batch = 1 AND id < 'c'") ==
          Rows{"a-1", "a-2", "b-1", "b-2"});
}

TEST_CASE("a file that was moved away gets its log when the consumer ends, too") {
    const Stage stage;
    auto sink = stage.sink();
    CHECK(stored(sink->process(batch_with("a", {"1"}))));
    std::filesystem::rename(stage.path, stage.directory / "old.db");
    sink.reset();
    CHECK_FALSE(std::filesystem::exists(stage.path.string() + "-wal"));
    OtherProgram old(stage.directory / "old.db");
    CHECK(old("SELECT id FROM messages") == Rows{"a-1"});
}

TEST_CASE("no file is made beside the log of another one, which would be deleted") {
    const Stage stage;
    const auto link = stage.directory / "link.db";
    const std::string log = stage.path.string() + "-wal";
    std::ofstream(log) << "somebody's last batches";
    std::filesystem::create_symlink("events.db", link);
    for (const auto& path : {stage.path, link}) {
        Stage other;
        other.path = path;
        CHECK(contains(other.start_failure(), log + " is still there"));
    }
    CHECK(std::filesystem::file_size(log) == 23);
    CHECK_FALSE(std::filesystem::exists(stage.path));
    std::ofstream(stage.path).flush();  // empty, it is none either
    CHECK(contains(stage.start_failure(), log + " is still there"));
    CHECK(std::filesystem::file_size(log) == 23);
    std::filesystem::rename(log, stage.path.string() + "-shm");
    CHECK(contains(stage.start_failure(), "events.db-shm is still there"));
}

TEST_CASE("a file that is removed, and a directory that is gone for a while, hold batches up") {
    const Stage stage;
    const auto sink = stage.sink();
    const auto batch = batch_with("a", {"1"});
    for (const auto* const name : {"events.db", "events.db-wal", "events.db-shm"}) {
        std::filesystem::remove(stage.directory / name);
    }
    std::filesystem::rename(stage.directory / "", stage.path.parent_path().string() + ".away");
    transient_reason(sink->process(batch));
    CHECK(contains(transient_reason(sink->process(batch)),
                   "unable to open database file (No such file or directory)"));
    std::filesystem::rename(stage.path.parent_path().string() + ".away", stage.directory / "");
    CHECK(stored(sink->process(batch)));
    CHECK(stage.count() == 1);
}

}  // namespace
}  // namespace blocky::test
