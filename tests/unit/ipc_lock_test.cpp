// One consumer per ipc endpoint.
#include "consumer/ipc_lock.hpp"

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "tests/support/descriptors.hpp"

namespace blocky::test {
namespace {

std::string refusal_of(const std::string& socket_file) {
    try {
        const IpcLock lock(socket_file);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return {};
}

TEST_CASE("an endpoint is locked once at a time") {
    const TemporaryDirectory directory;
    const auto socket = directory.file("socket");
    std::optional<IpcLock> lock(std::in_place, socket);
    CHECK(refusal_of(socket).find("another consumer") != std::string::npos);
    CHECK(refusal_of(socket).find(socket) != std::string::npos);
    CHECK(refusal_of(directory.file("other")).empty());
    lock.reset();
    CHECK(refusal_of(socket).empty());
}

TEST_CASE("the lock file is beside the socket, stays, and may have been there") {
    const TemporaryDirectory directory;
    const auto socket = directory.file("socket");
    CHECK(refusal_of(socket).empty());
    CHECK(std::filesystem::exists(socket + ".lock"));
    CHECK_FALSE(std::filesystem::exists(socket));
    CHECK(refusal_of(socket).empty());
}

TEST_CASE("a lock that is moved is held by its new owner only") {
    const TemporaryDirectory directory;
    const auto socket = directory.file("socket");
    std::optional<IpcLock> first(std::in_place, socket);
    std::optional<IpcLock> second(std::move(first));
    first.reset();
    CHECK_FALSE(refusal_of(socket).empty());
    second.reset();
    CHECK(refusal_of(socket).empty());
}

TEST_CASE("a lock that cannot be made names its file") {
    CHECK(refusal_of("/nonexistent/socket").find("/nonexistent/socket.lock") != std::string::npos);
}

}  // namespace
}  // namespace blocky::test
