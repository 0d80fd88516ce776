// The sink jsonl over a file system that a test plays: lines, duplicates, restarts, rotation.
#include "consumer/sinks/jsonl.hpp"

#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "consumer/sinks/jsonl_line.hpp"
#include "tests/support/fake_file_system.hpp"
#include "tests/support/jsonl_lines.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Kind = Verdict::Kind;

const std::string kPath = "/data/events.jsonl";

std::vector<Kind> kinds(const BatchResult& result) {
    REQUIRE(result);
    std::vector<Kind> kinds;
    for (const auto& verdict : *result) {
        CHECK(verdict.detail.empty());
        kinds.push_back(verdict.kind);
    }
    return kinds;
}

Batch batch_with(const std::vector<std::string>& ids, std::uint64_t number = 1) {
    Batch batch;
    batch.number = number;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        batch.add(i + 1, "p", ids[i], std::to_string(i), Clock::now());
    }
    return batch;
}

class Fixture {
public:
    explicit Fixture(std::uint64_t window = 100) : window_(window) {}

    FakeFileSystem system;

    JsonlSink& sink() {
        if (!sink_) {
            sink_.emplace(system, kPath, "run-1", window_);
        }
        return *sink_;
    }
    void restart() { sink_.reset(); }
    std::vector<Kind> store(const std::vector<std::string>& ids) {
        return kinds(sink().process(batch_with(ids)));
    }
    std::vector<std::string> ids(const std::string& path = kPath) {
        return ids_in(system.text(path));
    }
    // Why the sink could not be made.
    std::string refusal() {
        try {
            sink();
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return {};
    }

private:
    std::uint64_t window_;
    std::optional<JsonlSink> sink_;
};

using Strings = std::vector<std::string>;

TEST_CASE("each message is one line, with its members in order") {
    Fixture fixture;
    Batch batch;
    batch.number = 7;
    batch.add(1, "a \"name\"", "id-1", R"({"x": [1, 2.50]})", Clock::now());
    batch.add(2, "", "", "1e5", Clock::now());
    CHECK(kinds(fixture.sink().process(batch)) == std::vector{Kind::kStored, Kind::kStored});
    const auto lines = lines_in(fixture.system.text(kPath));
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].substr(0, 7) == R"({"ts":")");
    CHECK(lines[0].substr(31) == R"(","run":"run-1","batch":7,"producer":"a \"name\"","id":"id-1",)"
                                 R"("value":{"x": [1, 2.50]}})");
    CHECK(lines[1].substr(31) ==
          R"(","run":"run-1","batch":7,"producer":null,"id":"run-1:2","value":1e5})");
}

TEST_CASE("ts is when a message was received, by the wall clock") {
    Fixture fixture;
    const auto hour_ago = Clock::now() - 1h;
    const auto earliest = utc_timestamp(std::chrono::system_clock::now() - 1h - 5s);
    const auto latest = utc_timestamp(std::chrono::system_clock::now() - 1h + 5s);
    Batch batch;
    batch.add(1, "p", "old", "1", hour_ago);
    batch.add(2, "p", "new", "1", Clock::now());
    REQUIRE(fixture.sink().process(batch));
    const auto lines = lines_in(fixture.system.text(kPath));
    CHECK(lines.at(0).substr(7, 24) > earliest);
    CHECK(lines.at(0).substr(7, 24) < latest);
    CHECK(lines.at(1).substr(7, 24) > latest);
}

TEST_CASE("line breaks between a value's tokens become spaces, those in its strings stay escapes") {
    Fixture fixture;
    Batch batch;
    batch.add(1, "p", "a", "{\r\n \"x\":\n\"\\n\\u0000\"}", Clock::now());
    REQUIRE(fixture.sink().process(batch));
    const auto lines = lines_in(fixture.system.text(kPath));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].ends_with(R"("value":{   "x": "\n\u0000"}})"));
}

TEST_CASE("a batch is one write and one sync") {
    Fixture fixture;
    fixture.sink();
    const auto syncs = fixture.system.syncs();
    fixture.store({"a", "b", "c"});
    CHECK(fixture.system.writes() == 1);
    CHECK(fixture.system.syncs() == syncs + 1);
}

TEST_CASE("a write that takes little at a time goes on where it stopped") {
    Fixture fixture;
    fixture.system.take_at_most(7);
    fixture.store({"a", "b", "c"});
    CHECK(fixture.ids() == Strings{"a", "b", "c"});
}

TEST_CASE("an id is stored once: within a batch, over batches, and over restarts") {
    Fixture fixture;
    CHECK(fixture.store({"a", "b", "a"}) ==
          std::vector{Kind::kStored, Kind::kStored, Kind::kDuplicate});
    CHECK(fixture.store({"b", "c"}) == std::vector{Kind::kDuplicate, Kind::kStored});
    fixture.restart();
    CHECK(fixture.store({"d", "c"}) == std::vector{Kind::kStored, Kind::kDuplicate});
    CHECK(fixture.ids() == Strings{"a", "b", "c", "d"});
}

TEST_CASE("an id with quotes, backslashes and other letters is found again") {
    Fixture fixture;
    const Strings ids{R"(a"b)", R"(\)", R"(\",)", "straße", "\",\"value\":"};
    fixture.store(ids);
    fixture.restart();
    CHECK(fixture.store(ids) == std::vector(ids.size(), Kind::kDuplicate));
}

TEST_CASE("a batch of duplicates writes nothing") {
    Fixture fixture;
    fixture.store({"a"});
    const auto writes = fixture.system.writes();
    CHECK(fixture.store({"a", "a"}) == std::vector(2, Kind::kDuplicate));
    CHECK(fixture.system.writes() == writes);
}

TEST_CASE("the last so many ids are known, in a run and after a restart") {
    Fixture fixture(2);
    fixture.store({"a", "b", "c"});
    CHECK(fixture.store({"b", "c"}) == std::vector(2, Kind::kDuplicate));
    CHECK(fixture.store({"a"}) == std::vector{Kind::kStored});
    fixture.restart();  // a, b, c, a
    CHECK(fixture.store({"c", "a"}) == std::vector(2, Kind::kDuplicate));
    CHECK(fixture.store({"b"}) == std::vector{Kind::kStored});  // and c is forgotten first
    CHECK(fixture.store({"a"}) == std::vector{Kind::kDuplicate});
    CHECK(fixture.store({"c"}) == std::vector{Kind::kStored});
}

TEST_CASE("without a window only the batch itself is looked at") {
    Fixture fixture(0);
    CHECK(fixture.store({"a", "a"}) == std::vector{Kind::kStored, Kind::kDuplicate});
    CHECK(fixture.store({"a"}) == std::vector{Kind::kStored});
    fixture.restart();
    CHECK(fixture.store({"a"}) == std::vector{Kind::kStored});
}

TEST_CASE("lines of somebody else stay, and are no ids") {
    Fixture fixture;
    fixture.system.put(kPath, "{\"a\":1}\n\nnot JSON\n{\"ts\":\"2026\n");
    fixture.store({"a"});
    CHECK(fixture.system.text(kPath).starts_with("{\"a\":1}\n\nnot JSON\n{\"ts\":\"2026\n{\"ts"));
}

TEST_CASE("an escape that is cut short, or is none, is in no id") {
    for (const std::string id :
         {R"(\u)", R"(\u1)", R"(\u123)", R"(a\ud800)", R"(\ud800\u)", R"(\x)"}) {
        CAPTURE(id);
        CHECK_FALSE(jsonl_id(R"({"ts":"x","producer":null,"id":")" + id + R"(","value":1})"));
    }
    CHECK_FALSE(jsonl_id(R"({"ts":"x","producer":null,"id":"a\)"));
    CHECK(jsonl_id(R"({"ts":"x","producer":null,"id":"\u0061","value":1})") == "a");
}

TEST_CASE("a last line without its end is cut off at every length, and only that") {
    Fixture whole;
    whole.store({"a"});
    const auto first = whole.system.text(kPath);
    whole.store({"b"});
    const auto both = whole.system.text(kPath);
    for (auto bytes = first.size(); bytes < both.size(); ++bytes) {
        Fixture fixture;
        fixture.system.put(kPath, both.substr(0, bytes));
        CHECK(fixture.store({"a", "b"}) == std::vector{Kind::kDuplicate, Kind::kStored});
        CHECK(fixture.ids() == Strings{"a", "b"});
    }
    for (std::size_t bytes = 1; bytes < first.size(); ++bytes) {
        Fixture fixture;
        fixture.system.put(kPath, first.substr(0, bytes));
        CHECK(fixture.store({"a"}) == std::vector{Kind::kStored});
        CHECK(fixture.ids() == Strings{"a"});
    }
}

TEST_CASE("a document whose last line has no end, and is not ours, is left alone") {
    using namespace std::string_literals;
    Fixture ours;
    ours.store({"a"});
    const auto line = ours.system.text(kPath);
    for (const auto& text : {R"({"precious":1})"s, "{\"a\":1,\n\"b\":2}"s, "text\n\0\0"s, "\n\0"s,
                             "\0\0\0\0\0\0\0\0x"s, line + "{\"a\":"s, line + " "s}) {
        CAPTURE(text);
        Fixture fixture;
        fixture.system.put(kPath, text);
        CHECK(fixture.refusal() ==
              "cannot use /data/events.jsonl: its last line has no end, and was not written by "
              "this sink");
        CHECK(fixture.system.text(kPath) == text);
    }
}

TEST_CASE("zeros in place of what did not come to the disk are cut off") {
    Fixture ours;
    ours.store({"a"});
    const auto line = ours.system.text(kPath);
    const std::string zeros(5000, '\0');
    for (const auto& tail :
         {zeros, line.substr(0, 3) + zeros, zeros + "x", line.substr(0, 50) + zeros}) {
        Fixture fixture;
        fixture.system.put(kPath, line + tail);
        CHECK(fixture.store({"a", "b"}) == std::vector{Kind::kDuplicate, Kind::kStored});
        CHECK(fixture.ids() == Strings{"a", "b"});
    }
    Fixture fixture;
    fixture.system.put(kPath, zeros);
    fixture.store({"a"});
    CHECK(fixture.ids() == Strings{"a"});
}

TEST_CASE("a file that another consumer holds is refused") {
    Fixture fixture;
    fixture.sink();
    CHECK_THROWS_WITH_AS(JsonlSink(fixture.system, kPath, "run-2", 1),
                         "cannot open /data/events.jsonl: another consumer holds the lock of this "
                         "file",
                         std::runtime_error);
}

TEST_CASE("asked to reopen, it goes on in whatever file has the name, and knows the ids") {
    Fixture fixture;
    fixture.store({"a", "b"});
    fixture.system.rename(kPath, "/data/events.jsonl.1");
    CHECK(fixture.store({"c"}) == std::vector{Kind::kStored});  // not asked yet
    fixture.sink().request_reopen();
    CHECK(fixture.store({"a", "d"}) == std::vector{Kind::kDuplicate, Kind::kStored});
    CHECK(fixture.ids("/data/events.jsonl.1") == Strings{"a", "b", "c"});
    CHECK(fixture.ids() == Strings{"d"});
    CHECK_FALSE(fixture.system.inode("/data/events.jsonl.1").locked);
}

TEST_CASE("asked to reopen, it learns the ids of a file that was put in place") {
    Fixture fixture;
    Fixture other;
    other.store({"x"});
    fixture.store({"a"});
    fixture.system.rename(kPath, "/data/old");
    fixture.system.put(kPath, other.system.text(kPath));
    fixture.sink().request_reopen();
    CHECK(fixture.store({"a", "x", "y"}) ==
          std::vector{Kind::kDuplicate, Kind::kDuplicate, Kind::kStored});
    CHECK(fixture.ids() == Strings{"x", "y"});
}

TEST_CASE("asked to reopen a file that nobody moved, it goes on in it") {
    Fixture fixture;
    fixture.store({"a"});
    fixture.sink().request_reopen();
    CHECK(fixture.store({"a", "b"}) == std::vector{Kind::kDuplicate, Kind::kStored});
    CHECK(fixture.ids() == Strings{"a", "b"});
}

TEST_CASE("a file that was removed is made again") {
    Fixture fixture;
    fixture.store({"a"});
    fixture.system.remove(kPath);
    CHECK(fixture.store({"b"}) == std::vector{Kind::kStored});
    CHECK(fixture.ids() == Strings{"b"});
    CHECK(fixture.system.inode(kPath).on_disk);
}

TEST_CASE("what somebody else appends or cuts is taken as it is") {
    Fixture fixture;
    fixture.store({"a"});
    auto& inode = fixture.system.inode(kPath);
    inode.cache += "by hand\n";
    inode.state.append(8, 'd');
    fixture.store({"b"});
    CHECK(lines_in(fixture.system.text(kPath)).at(1) == "by hand");
    fixture.system.fail_call(3);  // state, append, sync
    CHECK_FALSE(fixture.sink().process(batch_with({"c"})));
    fixture.store({"c"});
    CHECK(lines_in(fixture.system.text(kPath)).size() == 4);
    inode.cache.clear();  // as logrotate does with copytruncate
    inode.state.clear();
    fixture.store({"d"});
    CHECK(fixture.ids() == Strings{"d"});
}

TEST_CASE("the summary counts lines and duplicates, and names the file") {
    Fixture fixture;
    const auto batch = batch_with({"a", "b", "a"});
    const auto result = fixture.sink().process(batch);
    REQUIRE(result);
    const auto summary = fixture.sink().summarize(batch, *result);
    CHECK(summary.json == R"({"stored":2,"duplicates":1})");
    CHECK(summary.text == "Stored 2 lines in events.jsonl ✅ 1 there already");
    CHECK(fixture.sink().summarize(Batch(), {}).text == "Stored 0 lines in events.jsonl ✅");
}

}  // namespace
}  // namespace blocky::test
