// Lines from a descriptor: any length in, bounded memory used, and no waiting after a stop.
#include "producer/line_reader.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/descriptors.hpp"

namespace blocky::test {
namespace {

using Status = LineReader::Status;
using Lines = std::vector<std::string>;

constexpr std::size_t kMaxBytes = 100;

struct Input {
    explicit Input(const std::string& text)
        : file(open(directory.file_with("input", text).c_str(), O_RDONLY | O_CLOEXEC)) {}
    TemporaryDirectory directory;
    Descriptor file;
};

// All lines of a text; "<too long>" for those that are.
Lines lines_of(const std::string& text, std::size_t max_bytes = kMaxBytes) {
    const Input input(text);
    LineReader reader(input.file.get(), max_bytes, -1);
    Lines lines;
    std::string line;
    while (true) {
        const auto status = reader.next(line);
        if (status == Status::kEnd) {
            CHECK(reader.bytes_taken() == text.size());
            return lines;
        }
        REQUIRE(status != Status::kStopped);
        lines.push_back(status == Status::kLine ? line : "<too long>");
    }
}

TEST_CASE("lines end at a newline, the last one at the end") {
    CHECK(lines_of("").empty());
    CHECK(lines_of("a\nb\n") == Lines{"a", "b"});
    CHECK(lines_of("a\nb") == Lines{"a", "b"});
    CHECK(lines_of("\n") == Lines{""});
    CHECK(lines_of("\n\na\n\n") == Lines{"", "", "a", ""});
}

TEST_CASE("a CR before the newline or the end is cut, one elsewhere stays") {
    CHECK(lines_of("a\r\nb\r\n\r\nc\r") == Lines{"a", "b", "", "c"});
    CHECK(lines_of("a\rb\n\ra\n") == Lines{"a\rb", "\ra"});
    CHECK(lines_of("a\r\r\n") == Lines{"a\r"});
}

TEST_CASE("bytes of any kind are kept") {
    const std::string bytes("\0\xFF\x01", 3);
    CHECK(lines_of(bytes + "\n" + bytes) == Lines{bytes, bytes});
}

TEST_CASE("a line of the greatest length is a line, a longer one is too long") {
    const std::string most(kMaxBytes, 'x');
    CHECK(lines_of(most + "\n" + most + "\r\n" + most) == Lines{most, most, most});
    CHECK(lines_of(most + "x\nb\n") == Lines{"<too long>", "b"});
    CHECK(lines_of(most + "x\r\nb") == Lines{"<too long>", "b"});
    CHECK(lines_of("a\n" + most + "x") == Lines{"a", "<too long>"});
}

TEST_CASE("lines are put together from as many reads as they need") {
    const std::string megabyte(1'000'000, 'm');
    CHECK(lines_of(megabyte + "\nb\n" + megabyte, 1'000'000) == Lines{megabyte, "b", megabyte});
    Lines many;
    std::string text;
    for (int i = 0; i < 20'000; ++i) {
        many.push_back(std::to_string(i));
        text += many.back() + "\n";
    }
    CHECK(lines_of(text) == many);
}

TEST_CASE("a line may end anywhere in a block that is read") {
    constexpr std::size_t kBlock = 65536;
    for (std::size_t size = kBlock - 3; size <= kBlock + 3; ++size) {
        const std::string line(size, 'x');
        CHECK(lines_of(line + "\r\nb\r\n", kBlock + 3) == Lines{line, "b"});
        CHECK(lines_of(line + "\r\nb\r\n", size) == Lines{line, "b"});
        CHECK(lines_of(line + "\r\nb\r\n", size - 1) == Lines{"<too long>", "b"});
    }
}

TEST_CASE("a line that is far too long takes no memory to speak of") {
    const Input input(std::string(10'000'000, 'x') + "\nb\n");
    LineReader reader(input.file.get(), kMaxBytes, -1);
    std::string line;
    CHECK(reader.next(line) == Status::kTooLong);
    CHECK(line.capacity() < 10'000);
    CHECK(reader.next(line) == Status::kLine);
    CHECK(line == "b");
}

TEST_CASE("a line from a pipe comes as soon as it is complete") {
    Pipe pipe;
    LineReader reader(pipe.reader.get(), kMaxBytes, -1);
    std::string line;
    pipe.write("a\nb");
    CHECK(reader.next(line) == Status::kLine);
    CHECK(line == "a");
    std::thread writer([&] { pipe.write("c\n"); });
    CHECK(reader.next(line) == Status::kLine);
    writer.join();
    CHECK(line == "bc");
    pipe.writer.close();
    CHECK(reader.next(line) == Status::kEnd);
}

TEST_CASE("a stop ends the wait for more") {
    Pipe pipe;
    const Descriptor stop(eventfd(0, EFD_CLOEXEC));
    LineReader reader(pipe.reader.get(), kMaxBytes, stop.get());
    std::string line;
    pipe.write("a\nunfinished");
    CHECK(reader.next(line) == Status::kLine);
    std::thread stopper([&] {
        const std::uint64_t one = 1;
        REQUIRE(write(stop.get(), &one, sizeof one) == sizeof one);
    });
    CHECK(reader.next(line) == Status::kStopped);
    stopper.join();
    CHECK(reader.next(line) == Status::kStopped);
}

TEST_CASE("a descriptor that cannot be read is an exception, not an end") {
    const TemporaryDirectory directory;
    const Descriptor write_only(
        open(directory.file("x").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    LineReader reader(write_only.get(), kMaxBytes, -1);
    std::string line;
    CHECK_THROWS_AS(reader.next(line), std::system_error);
}

TEST_CASE("what stands behind the end that was given is not read") {
    const Input input("one\ntwo\nthree\n");
    for (const std::uint64_t end : {0U, 4U, 6U, 8U}) {
        CAPTURE(end);
        lseek(input.file.get(), 0, SEEK_SET);
        LineReader reader(input.file.get(), kMaxBytes, -1, end);
        std::string text;
        std::string line;
        while (reader.next(line) == Status::kLine) {
            text += line + "\n";
        }
        CHECK(text == (end == 0 ? "" : end == 4 ? "one\n" : end == 6 ? "one\ntw\n" : "one\ntwo\n"));
        CHECK(reader.bytes_taken() == end);
    }
}

}  // namespace
}  // namespace blocky::test
