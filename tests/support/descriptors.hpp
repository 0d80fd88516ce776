// Pipes, files and directories that close or remove themselves, and what was printed to stdout.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "tests/support/deadline.hpp"

namespace blocky::test {

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) { REQUIRE(number_ >= 0); }
    ~Descriptor() { close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int get() const { return number_; }
    void close() {
        if (number_ >= 0) {
            ::close(std::exchange(number_, -1));
        }
    }

private:
    int number_;
};

inline std::array<int, 2> make_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    return ends;
}

struct Pipe {
    explicit Pipe(std::array<int, 2> ends = make_pipe()) : reader(ends[0]), writer(ends[1]) {}

    void write(std::string_view text) {
        REQUIRE(::write(writer.get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }
    // What is in the pipe now.
    std::string read_all() {
        std::string text;
        std::array<char, 4096> block{};
        while (readable_now(reader.get())) {
            const auto count = ::read(reader.get(), block.data(), block.size());
            if (count <= 0) {
                break;
            }
            text.append(block.data(), static_cast<std::size_t>(count));
        }
        return text;
    }

    Descriptor reader;
    Descriptor writer;
};

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string name = "/tmp/blocky-test-XXXXXX";  // short: an ipc path has 107 bytes at most
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    std::string file(const std::string& name) const { return path_ / name; }
    std::string file_with(const std::string& name, std::string_view text) const {
        std::ofstream(file(name), std::ios::binary) << text;
        return file(name);
    }

private:
    std::filesystem::path path_;
};

inline std::string text_of(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// Runs `print` and returns what it wrote to stdout.
template <typename Print>
std::string stdout_of(Print print) {
    const TemporaryDirectory directory;
    const Descriptor kept(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    const auto path = directory.file_with("stdout", "");
    {
        const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
        std::cout.flush();
        std::fflush(stdout);
        dup2(file.get(), STDOUT_FILENO);
    }
    print();
    std::cout.flush();
    std::fflush(stdout);
    dup2(kept.get(), STDOUT_FILENO);
    return text_of(path);
}

}  // namespace blocky::test
