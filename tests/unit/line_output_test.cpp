// Lines for a reader that may be slow, gone or never there: whole or not at all, and never waiting.
#include "common/line_output.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/descriptors.hpp"

namespace blocky::test {
namespace {

constexpr int kSmallPipe = 4096;  // the least that Linux gives; what is larger is written in parts

std::vector<std::string> lines_in(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto end = text.find('\n', at);
        REQUIRE(end != std::string::npos);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

// A line that can be told from all others, of that size with its newline.
std::string numbered_line(int number, std::size_t size) {
    auto line = std::to_string(number) + ":";
    line.resize(size - 1, static_cast<char>('a' + number % 26));
    return line;
}

TEST_CASE("a pipe with room takes every line, with its newline") {
    Pipe pipe;
    LineOutput output(pipe.writer.get());
    output.write("first");
    output.write("");
    output.write("grüße ✅");
    CHECK(pipe.read_all() == "first\n\ngrüße ✅\n");
    CHECK(output.dropped() == 0);
}

TEST_CASE("a file takes every line, behind what is in it") {
    const TemporaryDirectory directory;
    const auto path = directory.file_with("log", "before\n");
    const Descriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    LineOutput output(file.get());
    output.write("line");
    output.write(std::string(100'000, 'x'));
    CHECK(text_of(path) == "before\nline\n" + std::string(100'000, 'x') + "\n");
    CHECK(output.dropped() == 0);
}

TEST_CASE("a full pipe drops lines and counts them, and takes lines again when it was read") {
    Pipe pipe;
    REQUIRE(fcntl(pipe.writer.get(), F_SETPIPE_SZ, kSmallPipe) == kSmallPipe);
    LineOutput output(pipe.writer.get());
    for (int i = 0; i < 100; ++i) {
        output.write(numbered_line(i, 100));
    }
    CHECK(output.dropped() == 60);
    const auto kept = lines_in(pipe.read_all());
    REQUIRE(kept.size() == 40);
    CHECK(kept.front() == numbered_line(0, 100));
    CHECK(kept.back() == numbered_line(39, 100));
    output.write("after");
    CHECK(pipe.read_all() == "after\n");
    CHECK(output.dropped() == 60);
}

TEST_CASE("a line that fitted in part is finished before the next, never cut short") {
    Pipe pipe;
    REQUIRE(fcntl(pipe.writer.get(), F_SETPIPE_SZ, kSmallPipe) == kSmallPipe);
    LineOutput output(pipe.writer.get());
    std::string read;
    const int written = 50;
    for (int i = 0; i < written; ++i) {
        output.write(numbered_line(i, 10'000));
        read += pipe.read_all();
    }
    for (int i = 0; i < 5; ++i) {  // what is left of the last line goes as there is room
        output.write(numbered_line(written + i, 10'000));
        read += pipe.read_all();
    }
    read.resize(read.rfind('\n') + 1);
    int last = -1;
    for (const auto& line : lines_in(read)) {
        const int number = std::stoi(line);
        CHECK(number > last);
        CHECK(line == numbered_line(number, 10'000));
        last = number;
    }
    CHECK(last > 5);
    CHECK(output.dropped() > 0);
}

TEST_CASE("the caller's descriptor keeps its blocking mode") {
    Pipe pipe;
    const int before = fcntl(pipe.writer.get(), F_GETFL);
    {
        LineOutput output(pipe.writer.get());
        output.write("line");
        CHECK(fcntl(pipe.writer.get(), F_GETFL) == before);
    }
    CHECK(fcntl(pipe.writer.get(), F_GETFL) == before);
}

TEST_CASE("a reader that goes away costs lines and nothing else") {
    Pipe pipe;
    LineOutput output(pipe.writer.get());
    output.write("read");
    CHECK(pipe.read_all() == "read\n");
    pipe.reader.close();
    output.write("unread");
    output.write("unread");
    CHECK(output.dropped() == 2);
}

TEST_CASE("a reader that was gone before costs lines and nothing else") {
    Pipe pipe;
    pipe.reader.close();
    LineOutput output(pipe.writer.get());
    output.write("unread");
    CHECK(output.dropped() == 1);
}

TEST_CASE("a descriptor that is closed drops every line") {
    LineOutput output(-1);
    output.write("line");
    output.write("line");
    CHECK(output.dropped() == 2);
}

TEST_CASE("what stands in for a stdout that was closed at start drops every line, too") {
    // As set_up_logging() fills the place of a closed descriptor.
    const Descriptor stand_in(open("/dev/null", O_RDONLY | O_CLOEXEC));
    LineOutput output(stand_in.get());
    output.write("line");
    CHECK(output.dropped() == 1);
}

TEST_CASE("a full socket that blocks its writers does not block the log") {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const Descriptor reader(ends[0]);
    const Descriptor writer(ends[1]);
    LineOutput output(writer.get());
    for (int i = 0; i < 10'000; ++i) {
        output.write(numbered_line(i, 300));
    }
    CHECK(output.dropped() > 0);
}

}  // namespace
}  // namespace blocky::test
