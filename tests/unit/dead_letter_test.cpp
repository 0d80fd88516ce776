// The file of rejected messages: what a line says, that it is there whole or not at all, and whose
// file it is.
#include "consumer/dead_letter.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/request_decoder.hpp"
#include "tests/support/captured_log.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/failing_file.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

const WallTime kNow = std::chrono::system_clock::from_time_t(1795433401) + 5ms;

// Dead letters for all messages of a batch.
std::vector<DeadMessage> all_of(const Batch& batch, std::string_view error = "no such table") {
    std::vector<DeadMessage> dead;
    for (const auto& message : batch.messages) {
        dead.push_back({&message, error, batch.number, 3});
    }
    return dead;
}

std::string line_of(std::string_view value, std::string_view id, std::string_view producer,
                    std::string_view error = "no") {
    Batch batch;
    batch.add(42, producer, id, value);
    return dead_letter_line({batch.messages.data(), error, 7, 3}, "run", kNow);
}

// The ids in the payloads of a file's lines, all of which must be whole.
std::vector<std::string> ids_in(const std::string& path) {
    std::vector<std::string> ids;
    std::istringstream stream(text_of(path));
    for (std::string line; std::getline(stream, line);) {
        ids.push_back(nlohmann::json::parse(line).at("payload").at("id"));
    }
    CHECK((ids.empty() || text_of(path).ends_with('\n')));
    return ids;
}

struct Fixture {
    DeadLetter open() { return DeadLetter(path, "run", calls); }
    // Why it cannot be opened.
    std::string refusal() {
        try {
            open();
        } catch (const std::runtime_error& error) {
            CHECK(contains(error.what(), path));
            return error.what();
        }
        FAIL("opened");
        return {};
    }
    void put(std::string_view text) const { directory.file_with("dead", text); }

    TemporaryDirectory directory;
    std::string path = directory.file("dead");
    FailingFile calls;
};

using Ids = std::vector<std::string>;

TEST_CASE("a line says what was rejected, why, and what it takes to send it again") {
    CHECK(line_of(R"({"a": 1.50})", "i-1", "p-1", "too \"big\"") ==
          R"({"ts":"2026-11-23T11:30:01.005Z","run":"run","error":"too \"big\"","producer":"p-1",)"
          R"("batch":7,"attempts":3,)"
          R"("payload":{"value":{"a": 1.50},"id":"i-1","producer":"p-1"}})"
          "\n");
}

TEST_CASE("a message without a producer has null, and one without an id the sink's id for it") {
    const auto line = nlohmann::json::parse(line_of("1", "", ""));
    CHECK(line["producer"].is_null());
    CHECK(line["payload"] == nlohmann::json{{"value", 1}, {"id", "run:42"}});
}

TEST_CASE("a payload is a request body with the value's text as it was received") {
    for (const std::string value :
         {"123456789012345678901234567890", "1.0", "-0", "1E400000",
          R"("\u0000 \ud83e\uddee ü \n")", R"({"a":1,"a":2})", "null", "[ ]"}) {
        CAPTURE(value);
        const auto line = line_of(value, "ü\"\\", "p\xC3\xA9");
        CHECK(contains(line, R"("payload":{"value":)" + value + R"(,"id":)"));
        if (value == "1E400000") {
            continue;  // no request has it; it stays as it is nevertheless
        }
        const auto begin = line.find(R"({"value":)");
        const auto payload = line.substr(begin, line.size() - 2 - begin);
        RequestDecoder decoder(1000);
        DecodedBody decoded;
        REQUIRE_FALSE(decoder.decode(payload, decoded));
        CHECK(decoded.messages.front().request.value == value);
        CHECK(decoded.messages.front().request.id == "ü\"\\");
        CHECK(decoded.messages.front().request.producer == "p\xC3\xA9");
    }
}

TEST_CASE("line breaks between the tokens of a value do not make two lines of one") {
    CHECK(contains(line_of("[1,\r\n\t2,\"\\n\"\n]", "a", ""), "{\"value\":[1,  \t2,\"\\n\" ],"));
}

TEST_CASE("an error that is no UTF-8 does not spoil the line") {
    CHECK(nlohmann::json::parse(line_of("1", "a", "", "\xFF no"))["error"] == "\xEF\xBF\xBD no");
}

TEST_CASE("a file is made, and lines are added in one write and synced") {
    Fixture fixture;
    const auto batch = batch_of({"1", "2", "3"});
    {
        auto file = fixture.open();
        CHECK(text_of(fixture.path).empty());
        CHECK_FALSE(file.append(all_of(batch)));
        CHECK(fixture.calls.writes == 1);
        CHECK(fixture.calls.syncs == 1);
        CHECK(ids_in(fixture.path) == Ids{"id-1", "id-2", "id-3"});
    }
    struct stat status {};
    REQUIRE(stat(fixture.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0137U) == 0);  // for others nothing, for nobody to execute
    CHECK_FALSE(fixture.open().append(all_of(batch_of({"4"}))));  // what is there stays
    CHECK(ids_in(fixture.path) == Ids{"id-1", "id-2", "id-3", "id-1"});
}

TEST_CASE("a write that a signal interrupts, or that takes little at once, goes on") {
    Fixture fixture;
    auto file = fixture.open();
    fixture.calls.interrupted = 2;
    fixture.calls.most_at_once = 7;
    CHECK_FALSE(file.append(all_of(batch_of({"1", "2"}))));
    CHECK(ids_in(fixture.path) == Ids{"id-1", "id-2"});
}

TEST_CASE("a disk that is full at any byte leaves no part of a line once there is room") {
    const auto first = batch_of({"1"});
    const auto second = batch_of({"\"two\"", "\"three\""});
    Fixture whole;
    CHECK_FALSE(whole.open().append(all_of(second)));
    const auto bytes = text_of(whole.path).size();
    for (std::size_t room = 0; room < bytes; ++room) {
        CAPTURE(room);
        Fixture fixture;
        auto file = fixture.open();
        REQUIRE_FALSE(file.append(all_of(first)));
        fixture.calls.room = room;
        const auto problem = file.append(all_of(second));
        REQUIRE(problem);
        CHECK(contains(*problem, fixture.path));
        CHECK(contains(*problem, "No space left"));
        CHECK(ids_in(fixture.path) == Ids{"id-1"});  // at once: somebody may be replaying it
        fixture.calls.room.reset();
        CHECK_FALSE(file.append(all_of(second)));
        CHECK(ids_in(fixture.path) == Ids{"id-1", "id-1", "id-2"});
    }
}

TEST_CASE("what could not be synced is written afresh, once") {
    Fixture fixture;
    auto file = fixture.open();
    fixture.calls.failing_syncs = 2;
    for (int i = 0; i < 2; ++i) {
        const auto problem = file.append(all_of(batch_of({"1"})));
        REQUIRE(problem);
        CHECK(contains(*problem, "cannot sync"));
        CHECK(text_of(fixture.path).empty());
    }
    CHECK_FALSE(file.append(all_of(batch_of({"1"}))));
    CHECK(fixture.calls.writes == 3);
    CHECK(ids_in(fixture.path) == Ids{"id-1"});
}

TEST_CASE("what cannot be cut at once is cut before anything is added, or at the end") {
    Fixture fixture;
    {
        auto file = fixture.open();
        fixture.calls.failing_syncs = 1;
        fixture.calls.failing_cuts = 3;
        CHECK(contains(file.append(all_of(batch_of({"1"}))).value(), "cannot sync"));
        CHECK(contains(file.append(all_of(batch_of({"1"}))).value(), "cannot cut"));
        CHECK_FALSE(file.append(all_of(batch_of({"1"}))));
        CHECK(ids_in(fixture.path) == Ids{"id-1"});
        fixture.calls.failing_cuts = 1;
        fixture.calls.room = 20;
        CHECK(file.append(all_of(batch_of({"2"}))));
        CHECK_FALSE(text_of(fixture.path).ends_with('\n'));
    }
    CHECK(ids_in(fixture.path) == Ids{"id-1"});
}

TEST_CASE("a file that was emptied after a failure is not filled up with nothing") {
    Fixture fixture;
    auto file = fixture.open();
    REQUIRE_FALSE(file.append(all_of(batch_of({"1"}))));
    fixture.calls.failing_syncs = 1;
    CHECK(file.append(all_of(batch_of({"1"}))));
    std::filesystem::resize_file(fixture.path, 0);
    CHECK_FALSE(file.append(all_of(batch_of({"1", "2"}))));
    CHECK(ids_in(fixture.path) == Ids{"id-1", "id-2"});
}

TEST_CASE("a file that is moved away or removed is made anew") {
    Fixture fixture;
    auto file = fixture.open();
    REQUIRE_FALSE(file.append(all_of(batch_of({"1"}))));
    const auto moved = fixture.directory.file("moved");
    std::filesystem::rename(fixture.path, moved);
    CHECK_FALSE(file.append(all_of(batch_of({"1", "2"}))));
    CHECK(ids_in(moved) == Ids{"id-1"});
    CHECK(ids_in(fixture.path) == Ids{"id-1", "id-2"});
    std::filesystem::remove(fixture.path);
    CHECK_FALSE(file.append(all_of(batch_of({"1"}))));
    CHECK(ids_in(fixture.path) == Ids{"id-1"});
}

TEST_CASE("a file that cannot be made anew is a failure that says so, and may pass") {
    Fixture fixture;
    auto file = fixture.open();
    std::filesystem::remove(fixture.path);
    std::filesystem::create_directory(fixture.path);
    CHECK(contains(file.append(all_of(batch_of({"1"}))).value(), "cannot open"));
    std::filesystem::remove(fixture.path);
    CHECK_FALSE(file.append(all_of(batch_of({"1"}))));
    CHECK(ids_in(fixture.path) == Ids{"id-1"});
}

TEST_CASE("a last line that a crash has torn is cut off, wherever it was torn") {
    const auto line = line_of("\"" + std::string(70'000, 'x') + "\"", "old", "p");
    for (const auto torn : {std::size_t{0}, std::size_t{1}, std::size_t{6}, std::size_t{7},
                            std::size_t{300}, std::size_t{66'000}, line.size() - 1}) {
        for (const std::string& before : {std::string(), line}) {
            CAPTURE(torn);
            CapturedLog log;
            Fixture fixture;
            fixture.put(before + line.substr(0, torn));
            CHECK_FALSE(fixture.open().append(all_of(batch_of({"1"}))));
            CHECK(ids_in(fixture.path) == (before.empty() ? Ids{"id-1"} : Ids{"old", "id-1"}));
            REQUIRE(log.lines().size() == (torn > 0 ? 1 : 0));
            if (torn > 0) {
                CHECK(contains(log.lines()[0], std::to_string(torn) + " bytes"));
            }
        }
    }
}

TEST_CASE("a file of somebody else is refused and stays as it is") {
    for (const std::string text : {"precious", "precious\n", "\n", "{\"value\":1}\n",
                                   R"({"ts":"…","payload":1})"
                                   "\nprecious"}) {
        CAPTURE(text);
        Fixture fixture;
        fixture.put(text);
        CHECK(contains(fixture.refusal(), "last line"));
        CHECK(text_of(fixture.path) == text);
    }
}

TEST_CASE("what is no file, or cannot be made, is refused") {
    Fixture fixture;
    std::filesystem::create_directory(fixture.path);
    CHECK(contains(fixture.refusal(), "directory"));
    fixture.path = "/dev/full";
    CHECK(contains(fixture.refusal(), "no regular file"));
    fixture.path = fixture.directory.file("absent/dead");
    CHECK(contains(fixture.refusal(), "No such file"));
}

TEST_CASE("two consumers cannot share a file, and the second can have it after the first") {
    Fixture fixture;
    {
        auto file = fixture.open();
        CHECK(contains(fixture.refusal(), "another consumer"));
        CHECK_FALSE(file.append(all_of(batch_of({"1"}))));
    }
    CHECK_FALSE(fixture.open().append(all_of(batch_of({"1"}))));
    CHECK(ids_in(fixture.path) == Ids{"id-1", "id-1"});
}

}  // namespace
}  // namespace blocky::test
