// From the last line to the first, whatever the blocks are.
#include "consumer/sinks/lines_backwards.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/fake_file_system.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

struct Visited {
    std::vector<std::string> heads;
    BackwardsEnd end = BackwardsEnd::kBeginningOfFile;
};

Visited visit(const std::string& text, const BackwardsLimits& limits) {
    FakeFileSystem system;
    system.put("file", text);
    const auto file = system.open("file");
    REQUIRE(file);
    Visited visited;
    const auto end = visit_lines_backwards(**file, text.size(), limits, [&](std::string_view head) {
        visited.heads.emplace_back(head.substr(0, head.find('\n')));
    });
    REQUIRE(end);
    visited.end = *end;
    return visited;
}

TEST_CASE("each line is visited once, last first, at every size of block and head") {
    const std::string text = "one\n\nthree is long\n4\n\n";
    const std::vector<std::string> lines{"", "4", "three is long", "", "one"};
    for (std::size_t block = 1; block < text.size() + 3; ++block) {
        for (std::size_t head = 1; head < text.size() + 3; ++head) {
            CAPTURE(block);
            CAPTURE(head);
            auto expected = lines;
            for (auto& line : expected) {
                line.resize(std::min(line.size(), head));
            }
            const auto visited = visit(text, {100, TimePoint::max(), head, block});
            CHECK(visited.heads == expected);
            CHECK(visited.end == BackwardsEnd::kBeginningOfFile);
        }
    }
}

TEST_CASE("no more lines are visited than are wanted") {
    for (std::size_t block = 1; block < 8; ++block) {
        const auto visited = visit("a\nb\nc\n", {2, TimePoint::max(), 8, block});
        CHECK(visited.heads == std::vector<std::string>{"c", "b"});
        CHECK(visited.end == BackwardsEnd::kLines);
    }
    CHECK(visit("a\nb\n", {0}).heads.empty());
    CHECK(visit("a\nb\n", {2}).heads == std::vector<std::string>{"b", "a"});
}

TEST_CASE("when the time is over the block that was read counts, and no other is read") {
    const auto visited = visit("a\nb\nc\nd\n", {100, TimePoint::min(), 8, 4});
    CHECK(visited.heads == std::vector<std::string>{"d"});
    CHECK(visited.end == BackwardsEnd::kTime);
    CHECK(visit("a\nb\n", {100, TimePoint::min(), 8, 4}).end == BackwardsEnd::kBeginningOfFile);
}

TEST_CASE("an empty file has no lines") {
    CHECK(visit("", {100}).heads.empty());
}

TEST_CASE("a file that cannot be read is an error") {
    FakeFileSystem system;
    system.put("file", "a\n");
    const auto file = system.open("file");
    system.fail_call(1);
    CHECK(visit_lines_backwards(**file, 2, {100}, [](std::string_view) {}).error() ==
          std::errc::io_error);
    CHECK_FALSE(visit_lines_backwards(**file, 3, {100}, [](std::string_view) {}));  // cut meanwhile
}

TEST_CASE("whole lines end behind the last newline, unless that is too far back") {
    FakeFileSystem system;
    const auto end = [&](const std::string& text, std::uint64_t most = 1 << 20) {
        system.put("file", text);
        return end_of_last_line(**system.open("file"), text.size(), most).value();
    };
    const auto far = "\n" + std::string(200'000, 'x');
    CHECK(end(far, 200'001) == 1);
    CHECK(end(far, 200'000) == std::nullopt);
    CHECK(end("a\n", 1) == 2);
    CHECK(end("\na", 1) == std::nullopt);
    CHECK(end("a", 1) == 0);
    CHECK(end("") == 0);
    CHECK(end("a\n") == 2);
    CHECK(end("a\nb") == 2);
    CHECK(end("a") == 0);
    CHECK(end("\n" + std::string(200'000, 'x')) == 1);
    CHECK(end(std::string(200'000, 'x')) == 0);
}

}  // namespace
}  // namespace blocky::test
