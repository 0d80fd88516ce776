// Keys in files: whole or not at all, never over another, and secret ones for their owner alone.
#include "common/curve_keys.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/captured_log.hpp"
#include "tests/support/descriptors.hpp"

namespace blocky::test {
namespace {

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

template <typename Call>
std::string error_of(Call call) {
    try {
        call();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    FAIL("accepted");
    return {};
}

std::size_t files_in(const TemporaryDirectory& directory) {
    const std::filesystem::directory_iterator files(directory.file(""));
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

TEST_CASE("two keys that were made differ, and are keys") {
    const auto one = make_curve_keys();
    const auto other = make_curve_keys();
    CHECK(is_curve_key(one.public_key));
    CHECK(is_curve_key(one.secret_key));
    CHECK(one.public_key != other.public_key);
    CHECK(one.secret_key != other.secret_key);
    CHECK(one.public_key != one.secret_key);
}

TEST_CASE("a key is 40 characters of Z85 and nothing else") {
    CHECK(is_curve_key("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"));
    CHECK_FALSE(is_curve_key(""));
    CHECK_FALSE(is_curve_key("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf"));
    CHECK_FALSE(is_curve_key("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7a"));
    CHECK_FALSE(is_curve_key("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\""));
    CHECK_FALSE(is_curve_key("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf "));
    CHECK_FALSE(is_curve_key("#####rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]y"));  // beyond 32 bits
}

TEST_CASE("what is written is read again: the pair from one file, the public key from the other") {
    const TemporaryDirectory directory;
    const auto keys = make_curve_keys();
    write_curve_keys(keys, directory.file("key"));
    CHECK(text_of(directory.file("key")) == keys.secret_key + "\n");
    CHECK(text_of(directory.file("key.pub")) == keys.public_key + "\n");
    const auto read = read_secret_curve_key(directory.file("key"));
    CHECK(read.public_key == keys.public_key);
    CHECK(read.secret_key == keys.secret_key);
    CHECK(read_public_curve_key(directory.file("key.pub")) == keys.public_key);
    CHECK(files_in(directory) == 2);
}

TEST_CASE("the secret file is its owner's alone, whatever the umask") {
    const TemporaryDirectory directory;
    const auto before = umask(0);
    write_curve_keys(make_curve_keys(), directory.file("key"));
    umask(before);
    CHECK(mode_of(directory.file("key")) == 0600);
    CHECK(mode_of(directory.file("key.pub")) == 0644);
}

TEST_CASE("neither file is written over, and then nothing is left behind") {
    for (const std::string there : {"key", "key.pub"}) {
        const TemporaryDirectory directory;
        const auto path = directory.file_with(there, "precious");
        const auto error =
            error_of([&] { write_curve_keys(make_curve_keys(), directory.file("key")); });
        CAPTURE(error);
        CHECK(contains(error, path));
        CHECK(contains(error, "is there already"));
        CHECK(text_of(path) == "precious");
        CHECK(files_in(directory) == 1);
    }
}

TEST_CASE("a directory that is not there is an error that names the file") {
    const TemporaryDirectory directory;
    const auto path = directory.file("no/key");
    const auto error = error_of([&] { write_curve_keys(make_curve_keys(), path); });
    CHECK(contains(error, path));
    CHECK(contains(error, "No such file"));
}

TEST_CASE("a secret key that group or others can touch is refused, and the mode named") {
    const TemporaryDirectory directory;
    const auto path = directory.file("key");
    write_curve_keys(make_curve_keys(), path);
    for (const mode_t mode : {0640U, 0604U, 0620U, 0601U, 0644U, 0660U}) {
        REQUIRE(chmod(path.c_str(), mode) == 0);
        const auto error = error_of([&] { read_secret_curve_key(path); });
        CAPTURE(error);
        CHECK(contains(error, "mode is 0" + std::to_string(mode / 64) +
                                  std::to_string(mode / 8 % 8) + std::to_string(mode % 8)));
    }
    REQUIRE(chmod(path.c_str(), 0400) == 0);
    CHECK(is_curve_key(read_secret_curve_key(path).secret_key));
}

TEST_CASE("what is no key is refused without a word of what is there") {
    const TemporaryDirectory directory;
    const auto error_with = [&directory](const std::string& text) {
        return error_of([&] { read_public_curve_key(directory.file_with("key", text)); });
    };
    CHECK(contains(error_with(""), "holds 0 characters"));
    CHECK(contains(error_with("secret"), "holds 6 characters, and a key has 40"));
    CHECK(contains(error_with(std::string(200, 'a')), "too many"));
    const auto error = error_with(std::string(39, 'a') + "~");
    CHECK(contains(error, "no key in Z85"));
    CHECK_FALSE(contains(error, "aaa"));
    CHECK(contains(error_of([&] { read_public_curve_key(directory.file("none")); }), "No such"));
    CHECK(contains(error_of([&] { read_public_curve_key(directory.file("")); }), "directory"));
}

TEST_CASE("blanks and a line's end around a key are none of it") {
    const TemporaryDirectory directory;
    const auto keys = make_curve_keys();
    const auto path = directory.file_with("key.pub", " " + keys.public_key + " \r\n\n");
    CHECK(read_public_curve_key(path) == keys.public_key);
}

}  // namespace
}  // namespace blocky::test
