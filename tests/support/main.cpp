// doctest's main, and what each test program needs before its first test: libsodium ready, SIGPIPE
// ignored as StopSignal does for the programs, and no diagnostics of the code under test between
// doctest's own lines.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <csignal>

#include <doctest/doctest.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

namespace {

[[maybe_unused]] const bool prepared = [] {
    std::signal(SIGPIPE, SIG_IGN);
    spdlog::set_level(spdlog::level::off);
    return sodium_init() >= 0;
}();

}  // namespace
