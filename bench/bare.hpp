// What the bare programs share: the end on an error, the clock, and options read from argv.
// They are the yardstick: libzmq's C API and nothing between it and the work.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include <zmq.h>

namespace bare {

// Ends the program if a call to libzmq or to the system has failed; else hands its result on.
inline int must(int result, const char* what) {
    if (result < 0) {
        std::fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        std::exit(EXIT_FAILURE);
    }
    return result;
}

// Of the monotonic clock, the same one in every process.
inline std::int64_t now_ns() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

// The words of the command line: `--name value`, or `--name` alone for a flag. Only the driver of
// the benchmark writes them, so nothing is said about wrong ones but that they are.
class Arguments {
public:
    Arguments(int argc, char** argv) : argc_(argc), argv_(argv) {}

    bool next() {
        name_ = ++at_ < argc_ ? argv_[at_] : "";
        return at_ < argc_;
    }
    bool is(std::string_view name) const { return name_ == name; }
    std::string text() { return ++at_ < argc_ ? argv_[at_] : ""; }
    int number() { return static_cast<int>(std::strtol(text().c_str(), nullptr, 10)); }

    [[noreturn]] void refuse() const {
        std::fprintf(stderr, "%s: no such option: %s\n", argv_[0], name_.c_str());
        std::exit(2);
    }

private:
    int argc_;
    char** argv_;
    int at_ = 0;
    std::string name_;
};

}  // namespace bare
