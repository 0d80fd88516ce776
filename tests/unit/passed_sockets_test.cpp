// Which --bind each passed socket is, however the endpoint is written. Real sockets that are passed
// are test_systemd_activation.py's.
#include "consumer/passed_sockets.hpp"

#include <filesystem>
#include <utility>

#include <doctest/doctest.h>

#include "common/command_line.hpp"
#include "tests/support/descriptors.hpp"

namespace blocky::test {
namespace {

using Strings = std::vector<std::string>;

std::vector<PassedSocket> passed(const Strings& endpoints) {
    std::vector<PassedSocket> sockets;
    for (const auto& endpoint : endpoints) {
        sockets.push_back({static_cast<int>(kFirstPassed + sockets.size()), "a.socket", endpoint});
    }
    return sockets;
}

TEST_CASE("without a bind all that are passed are served, in their order") {
    const Strings both{"tcp://[::]:5555", "ipc:///run/x"};
    CHECK(with_passed({}, passed(both)) == both);
    CHECK(with_passed({}, passed({})).empty());
}

TEST_CASE("a bind that is passed takes the socket's endpoint, others stay what they are") {
    const Strings bind{"tcp://*:7", "tcp://127.0.0.1:5555", "ipc://@name"};
    CHECK(with_passed(bind, passed({"ipc://@name", "tcp://[::]:7"})) ==
          Strings{"tcp://[::]:7", "tcp://127.0.0.1:5555", "ipc://@name"});
}

TEST_CASE("endpoints are the same though they are written differently") {
    const std::vector<std::pair<std::string, std::string>> same{
        {"tcp://*:1", "tcp://0.0.0.0:1"},        {"tcp://*:1", "tcp://[::]:1"},
        {"tcp://[0:0::0:1]:1", "tcp://[::1]:1"}, {"tcp://[FE80::1]:1", "tcp://[fe80::1]:1"},
        {"ipc:///run/./x", "ipc:///run/x"},      {"ipc:///run//a/../x", "ipc:///run/x"}};
    for (const auto& pair : same) {
        CAPTURE(pair.first);
        CHECK(with_passed({pair.first}, passed({pair.second})) == Strings{pair.second});
    }
}

TEST_CASE("so are paths that lead over a link, or from here") {
    const TemporaryDirectory directory;
    const auto path = directory.file("real") + "/x";
    std::filesystem::create_directory(directory.file("real"));
    std::filesystem::create_directory_symlink(directory.file("real"), directory.file("link"));
    const Strings wanted{"ipc://" + path};
    CHECK(with_passed({"ipc://" + directory.file("link") + "/x"}, passed(wanted)) == wanted);
    CHECK(with_passed({"ipc://" + std::filesystem::relative(path).string()}, passed(wanted)) ==
          wanted);
}

TEST_CASE("what was given twice is served once") {
    CHECK(with_passed({"tcp://*:1", "tcp://0.0.0.0:1"}, passed({"tcp://0.0.0.0:1"})) ==
          Strings{"tcp://0.0.0.0:1"});
}

TEST_CASE("one that is passed and not asked for is an error") {
    for (const std::string bind : {"tcp://127.0.0.1:1", "tcp://*:2", "tcp://*:*", "tcp://[::1]:1",
                                   "ipc:///run/y", "ipc://@run/x"}) {
        CAPTURE(bind);
        CHECK_THROWS_AS(with_passed({bind}, passed({"tcp://0.0.0.0:1"})), UsageError);
        CHECK_THROWS_AS(with_passed({bind}, passed({"ipc:///run/x"})), UsageError);
    }
}

}  // namespace
}  // namespace blocky::test
