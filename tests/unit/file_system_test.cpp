// The machine's own file system behind the seam.
#include "consumer/sinks/file_system.hpp"

#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/descriptors.hpp"

namespace blocky::test {
namespace {

std::unique_ptr<File> opened(const std::string& path) {
    auto file = real_file_system().open(path);
    REQUIRE(file);
    return std::move(*file);
}

TEST_CASE("a file is made, written at its end, read, cut and synced") {
    const TemporaryDirectory directory;
    const auto path = directory.file("lines");
    {
        const auto file = opened(path);
        CHECK(file->append("one\ntwo\n") == 8);
        CHECK_FALSE(file->truncate(4));
        CHECK_FALSE(file->sync());
        CHECK_FALSE(real_file_system().sync_directory_of(path));
        CHECK(file->append("2\n") == 2);
        std::array<char, 3> bytes{};
        CHECK(file->read(3, bytes) == 3);
        CHECK(std::string(bytes.data(), 3) == "\n2\n");
        CHECK(file->read(6, bytes) == 0);
    }
    CHECK(opened(path)->append("3\n") == 2);
    CHECK(text_of(path) == "one\n2\n3\n");
}

TEST_CASE("its state says how large it is, which it is, and whether it has a name") {
    const TemporaryDirectory directory;
    const auto path = directory.file_with("file", "12345");
    const auto file = opened(path);
    const auto before = file->state();
    REQUIRE(before);
    CHECK(before->size == 5);
    CHECK(before->regular);
    CHECK(before->named);
    std::filesystem::rename(path, directory.file("moved"));
    CHECK(file->state()->named);
    CHECK(file->state()->identity == before->identity);
    CHECK_FALSE(opened(path)->state()->identity == before->identity);
    std::filesystem::remove(directory.file("moved"));
    CHECK_FALSE(file->state()->named);
}

TEST_CASE("a file is open once at a time") {
    const TemporaryDirectory directory;
    const auto path = directory.file("file");
    auto file = opened(path);
    CHECK(real_file_system().open(path).error() == std::errc::resource_unavailable_try_again);
    file.reset();
    CHECK(real_file_system().open(path));
}

TEST_CASE("what cannot be opened says why") {
    const TemporaryDirectory directory;
    CHECK(real_file_system().open(directory.file("no/file")).error() ==
          std::errc::no_such_file_or_directory);
    CHECK(real_file_system().open(directory.file("")).error() == std::errc::is_a_directory);
    CHECK(real_file_system().sync_directory_of(directory.file("no/file")) ==
          std::errc::no_such_file_or_directory);
    const auto pipe = directory.file("pipe");
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    CHECK_FALSE(opened(pipe)->state()->regular);
}

TEST_CASE("a disk that is full fails the write") {
    CHECK(opened("/dev/full")->append("text").error() == std::errc::no_space_on_device);
}

}  // namespace
}  // namespace blocky::test
