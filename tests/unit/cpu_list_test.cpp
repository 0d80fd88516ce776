// Lists of processors as people write them, and what they do to a thread.
#include "consumer/cpu_list.hpp"

#include <sched.h>

#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace blocky::test {
namespace {

using Cpus = std::vector<unsigned>;

// The processors that this thread may run on.
Cpus allowed() {
    cpu_set_t set;
    CPU_ZERO(&set);
    REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
    Cpus cpus;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &set)) {
            cpus.push_back(cpu);
        }
    }
    return cpus;
}

TEST_CASE("a list has numbers and ranges") {
    CHECK(parse_cpu_list("0") == Cpus{0});
    CHECK(parse_cpu_list("7") == Cpus{7});
    CHECK(parse_cpu_list("0,2-3") == Cpus{0, 2, 3});
    CHECK(parse_cpu_list("4-4") == Cpus{4});
    CHECK(parse_cpu_list("3,1") == Cpus{3, 1});
    CHECK(parse_cpu_list("1-3,2") == Cpus{1, 2, 3, 2});
    CHECK(parse_cpu_list("0-1023").value().size() == 1024);
}

TEST_CASE("anything else is no list") {
    for (const std::string text : {"",
                                   ",",
                                   "0,",
                                   ",0",
                                   "0,,1",
                                   "-",
                                   "-1",
                                   "1-",
                                   "3-1",
                                   "1-2-3",
                                   "1--2",
                                   "all",
                                   "0x1",
                                   "+1",
                                   " 0",
                                   "0 ",
                                   "0, 1",
                                   "0;1",
                                   "1.0",
                                   "1024",
                                   "0-1024",
                                   "4294967296",
                                   "99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_cpu_list(text));
    }
}

TEST_CASE("a thread runs where it is told to, and so does what it starts") {
    const auto cpu = allowed().back();
    Cpus own;
    Cpus inherited;
    std::thread([&] {
        run_on({cpu});
        own = allowed();
        std::thread([&] { inherited = allowed(); }).join();
    }).join();
    CHECK(own == Cpus{cpu});
    CHECK(inherited == Cpus{cpu});
}

TEST_CASE("processors that this machine does not have are an error, and change nothing") {
    const auto before = allowed();
    CHECK_THROWS_AS(run_on({CPU_SETSIZE - 1}), std::system_error);
    CHECK(allowed() == before);
}

}  // namespace
}  // namespace blocky::test
