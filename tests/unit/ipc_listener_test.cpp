// The mode of an ipc socket, and what becomes of its file.
#include "consumer/ipc_listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "tests/support/descriptors.hpp"

namespace blocky::test {
namespace {

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(lstat(path.c_str(), &status) == 0);
    CHECK(S_ISSOCK(status.st_mode));
    return status.st_mode & 07777U;
}

TEST_CASE("the socket has the mode that was asked for, whatever the umask") {
    const TemporaryDirectory directory;
    for (const mode_t mask : {0U, 0022U, 0077U}) {
        for (const mode_t mode : {0600U, 0660U, 0666U, 0777U, 0200U}) {
            const auto before = umask(mask);
            {
                const IpcListener listener(directory.file("s"), mode);
                CHECK(mode_of(directory.file("s")) == mode);
            }
            CHECK(umask(before) == mask);
        }
    }
}

TEST_CASE("it listens, in the place of a socket that was left there") {
    const TemporaryDirectory directory;
    const auto path = directory.file("s");
    IpcListener left(path, 0600);
    const Descriptor unused(left.release());
    IpcListener listener(path, 0600);
    const Descriptor descriptor(listener.release());
    int listens = 0;
    socklen_t size = sizeof listens;
    REQUIRE(getsockopt(descriptor.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0);
    CHECK(listens == 1);
}

TEST_CASE("its file goes with it, but not the one that took its place") {
    const TemporaryDirectory directory;
    const auto path = directory.file("s");
    {
        IpcListener first(path, 0600);
        const IpcListener moved(std::move(first));
        CHECK(std::filesystem::exists(path));
    }
    CHECK_FALSE(std::filesystem::exists(path));
    {
        const IpcListener listener(path, 0600);
        std::filesystem::remove(path);
        directory.file_with("s", "another's");
    }
    CHECK(text_of(path) == "another's");
}

TEST_CASE("a place where no socket can be is an error") {
    const TemporaryDirectory directory;
    CHECK_THROWS_AS(IpcListener(directory.file("no/s"), 0600), std::runtime_error);
}

}  // namespace
}  // namespace blocky::test
