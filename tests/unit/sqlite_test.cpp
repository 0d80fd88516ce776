// The sink sqlite on real files: what a row holds, what is a duplicate, which tables will do.
#include "consumer/sinks/sqlite.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/command_line.hpp"
#include "consumer/sinks/make_sink.hpp"
#include "tests/support/sqlite_file.hpp"

namespace blocky::test {
namespace {

SinkOptions options(const std::string& spec) {
    SinkOptions options;
    options.spec = spec;
    options.run = "run";
    return options;
}

TEST_CASE("a message is a row, and what it came without is made or null") {
    const Stage stage;
    Batch batch;
    batch.number = 7;
    batch.closed_at = Clock::now();
    const auto early = batch.closed_at - 1500ms;
    batch.add(1, "p-1", "id-1", "1.50", batch.closed_at);
    batch.add(42, "", "", "[ 1,2 ]", early);
    CHECK(stored(stage.sink("run-1")->process(batch)));
    CHECK(stage.rows("SELECT rowid, id, producer, run, batch, value FROM messages") ==
          Rows{"1|id-1|p-1|run-1|7|1.50", "2|run-1:42|NULL|run-1|7|[ 1,2 ]"});
    CHECK(stage.rows("SELECT DISTINCT typeof(batch), typeof(value) FROM messages") ==
          Rows{"integer|text"});
}

TEST_CASE("received_at is the UTC time of arrival, with milliseconds") {
    const Stage stage;
    Batch batch;
    batch.closed_at = Clock::now();
    std::vector<std::string> expected;
    for (const auto before : {0ms, 1ms, 9ms, 10ms, 100ms, 999ms, 1000ms, 86'400'001ms}) {
        const auto arrival = batch.closed_at - before;
        batch.add(batch.messages.size() + 1, "p", "", "1", arrival);
    }
    const auto sink = stage.sink();
    const auto start = std::chrono::system_clock::now() - 2ms;
    CHECK(stored(sink->process(batch)));
    const auto times = stage.rows("SELECT received_at FROM messages ORDER BY rowid");
    CHECK(times.front() >= utc_timestamp(start - (Clock::now() - batch.closed_at)));
    CHECK(times.front() <= utc_timestamp(std::chrono::system_clock::now()));
    // By SQLite's own reading of the text, each is so many milliseconds before the first.
    CHECK(stage.rows("SELECT CAST(round((julianday((SELECT received_at FROM messages WHERE "
                     "rowid = 1)) - julianday(received_at)) * 86400000) AS INTEGER) FROM messages "
                     "ORDER BY rowid") ==
          Rows{"0", "1", "9", "10", "100", "999", "1000", "86400001"});
}

TEST_CASE("an id that is there already changes nothing and is a duplicate") {
    const Stage stage;
    {
        const auto sink = stage.sink("run-1");
        Batch batch = batch_with("a", {"1", "2"});
        batch.add(3, "other", "a-1", "3");
        batch.add(4, "p", "b", "4");
        CHECK(kinds(sink->process(batch)) ==
              std::vector{Kind::kStored, Kind::kStored, Kind::kDuplicate, Kind::kStored});
        CHECK(kinds(sink->process(batch_with("a", {"5", "6", "7"}, 2))) ==
              std::vector{Kind::kDuplicate, Kind::kDuplicate, Kind::kStored});
    }
    const auto again = stage.sink("run-2");
    CHECK(kinds(again->process(batch_with("a", {"8", "9", "10", "11"}))) ==
          std::vector{Kind::kDuplicate, Kind::kDuplicate, Kind::kDuplicate, Kind::kStored});
    CHECK(stage.rows("SELECT id, run, value FROM messages ORDER BY rowid") ==
          Rows{"a-1|run-1|1", "a-2|run-1|2", "b|run-1|4", "a-3|run-1|7", "a-4|run-2|11"});
}

TEST_CASE("ids are compared byte by byte") {
    const Stage stage;
    const auto sink = stage.sink();
    Batch batch;
    for (const auto* const id : {"a", "A", "a ", "1", "1.0", "01", "é", "e\u0301"}) {
        batch.add(1, "p", id, "1");
    }
    CHECK(stored(sink->process(batch)));
}

TEST_CASE("every value is stored byte for byte") {
    const Stage stage;
    const std::string deep = std::string(64, '[') + std::string(64, ']');
    std::string deep_objects = "1";
    for (int depth = 0; depth < 64; ++depth) {
        deep_objects = R"({"a":)" + deep_objects + "}";
    }
    const std::vector<std::string> values{"0",
                                          "-0",
                                          "1E+5",
                                          "1.50",
                                          "1e-400",
                                          "1.7976931348623157e308",
                                          "123456789012345678901234567890",
                                          "-9223372036854775809",
                                          "0.1234567890123456789",
                                          "true",
                                          "null",
                                          R"("")",
                                          R"("\u0000")",
                                          R"("a\u0000b\ud83e\uddee\/\"\\\n")",
                                          R"("é🧮")",
                                          "\"\x7f\"",
                                          R"("\ud800")",
                                          "[]",
                                          "{}",
                                          R"({ "a" : 1,
 "a":2	})",
                                          deep,
                                          deep_objects,
                                          '"' + std::string(1 << 20, 'x') + '"'};
    CHECK(stored(stage.sink()->process(batch_with("v", values))));
    CHECK(stage.rows("SELECT value FROM messages ORDER BY rowid") == values);
    CHECK(stage.rows("SELECT DISTINCT typeof(value) FROM messages") == Rows{"text"});
}

TEST_CASE("a table may have any name") {
    const Stage stage;
    for (const std::string name : {"order", "a b", "a\"b", "it's", "été 🧮",
                                   "x\"; DROP TABLE messages; --", "a.b", "[x]"}) {
        for (const auto kind : {Kind::kStored, Kind::kDuplicate}) {
            SqliteSink sink({stage.path.string(), name, "run", 1s});
            CHECK(kinds(sink.process(batch_with("a", {"1"}))) == std::vector{kind});
        }
    }
    CHECK(stage.rows("SELECT count(*) FROM \"a\"\"b\"") == Rows{"1"});
    CHECK(stage.rows("SELECT count(*) FROM sqlite_schema WHERE type = 'table'") == Rows{"8"});
}

TEST_CASE("an existing table of the right make is used, whatever else it has") {
    const Stage stage;
    stage.rows(
        "CREATE TABLE messages (seq INTEGER PRIMARY KEY NOT NULL, value BLOB, "
        "batch INT, run VARCHAR(20), received_at, producer TEXT, ID VARCHAR UNIQUE, "
        "note TEXT NOT NULL DEFAULT 'none')");
    stage.rows("INSERT INTO messages (id, value) VALUES ('a-2', 'old')");
    CHECK(kinds(stage.sink()->process(batch_with("a", {"01", "2"}))) ==
          std::vector{Kind::kStored, Kind::kDuplicate});
    CHECK(stage.rows("SELECT seq, id, producer, run, batch, value, note FROM messages") ==
          Rows{"1|a-2|NULL|NULL|NULL|old|none", "2|a-1|p|run|1|01|none"});
}

TEST_CASE("an existing table that will not do is refused at start, and left as it is") {
    const std::pair<const char*, const char*> cases[] = {
        {"id TEXT UNIQUE, producer, run, batch, value", "no column received_at"},
        {"id TEXT, producer, run, batch, received_at, value", "ON CONFLICT"},
        {"id TEXT UNIQUE, producer, run, batch, received_at, value JSON",
         "column value of its table \"messages\" is declared JSON"},
        {"id INTEGER UNIQUE, producer, run, batch, received_at, value", "column id"},
        {"id TEXT UNIQUE COLLATE NOCASE, producer, run, batch, received_at, value",
         "different ids for the same"},
        {"id TEXT UNIQUE, producer, run, batch, received_at, value, extra NOT NULL",
         "column extra that must be given"}};
    for (const auto& [columns, words] : cases) {
        const Stage stage;
        stage.rows(fmt::format("CREATE TABLE messages ({})", columns));
        const auto failure = stage.start_failure();
        CHECK(contains(failure, "cannot open sqlite:" + stage.path.string()));
        CHECK(contains(failure, words));
        CHECK(stage.rows("PRAGMA journal_mode") == Rows{"delete"});
    }
}

TEST_CASE("what cannot be opened says so, and why") {
    const Stage stage;
    const auto at = [&](const std::filesystem::path& path) {
        Stage other;
        other.path = path;
        return other.start_failure();
    };
    CHECK(contains(at(stage.directory / "none" / "events.db"), "(No such file or directory)"));
    CHECK(contains(at(stage.directory / ""), "unable to open database file"));
    std::ofstream(stage.path) << std::string(5000, 'x');
    CHECK(contains(stage.start_failure(), "file is not a database"));
}

TEST_CASE("a path that would mean something else to SQLite is a path") {
    const Stage stage;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(stage.directory / "");
    for (const std::string path : {"file:a.db?mode=memory", "sub%20.db"}) {
        SqliteSink sink({path, "messages", "run", 1s});
        CHECK(std::filesystem::exists(stage.directory / path));
    }
    std::filesystem::current_path(before);
    CHECK_THROWS_AS(make_sink(options("sqlite::memory:")), UsageError);
    CHECK_THROWS_AS(make_sink(options("sqlite:")), UsageError);
}

TEST_CASE("commits are durable: the file has a write-ahead log, and stays so") {
    const Stage stage;
    const auto sink = make_sink(options("sqlite:" + stage.path.string()));
    CHECK(stored(sink->process(batch_with("a", {"1"}))));
    CHECK(stage.rows("PRAGMA journal_mode") == Rows{"wal"});
    CHECK(std::filesystem::exists(stage.path.string() + "-wal"));
    CHECK_FALSE(sink->objection_to(request("{}")));
    CHECK_FALSE(sink->is_inline());
}

TEST_CASE("the batch log says what was stored") {
    const Stage stage;
    const auto sink = stage.sink();
    const auto text = [&](const std::vector<Verdict>& verdicts) {
        auto summary = sink->summarize(Batch{}, verdicts);
        return summary.text.replace(summary.text.find(stage.path.string()),
                                    stage.path.string().size(), "events.db");
    };
    CHECK(text({{}, {}}) == "Stored 2 rows in events.db ✅");
    CHECK(text({{}, {Kind::kDuplicate, ""}}) == "Stored 1 row in events.db ✅ 1 there already");
    CHECK(text({{Kind::kRejected, "x"}}) == "Stored 0 rows in events.db ✅ 1 refused");
    CHECK(text({{Kind::kDuplicate, ""}, {Kind::kRejected, "x"}}) ==
          "Stored 0 rows in events.db ✅ 1 there already, 1 refused");
    CHECK(sink->summarize(Batch{}, {{}, {Kind::kDuplicate, ""}}).json ==
          R"({"stored":1,"duplicates":1})");
}

}  // namespace
}  // namespace blocky::test
