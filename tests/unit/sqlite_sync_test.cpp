// That `ok` of the sink sqlite means synced: fdatasync(2) and fsync(2) are this file's own here,
// for libsqlite3 too, and count, or fail when the test wants them to.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include <doctest/doctest.h>

#include "tests/support/sqlite_file.hpp"

namespace {

std::atomic<int> syncs{0};     // that went well
std::atomic<int> failures{0};  // still to come, before others go well

int sync_by(long number, int descriptor) {
    if (failures > 0) {
        --failures;
        errno = EIO;
        return -1;
    }
    const auto result = static_cast<int>(syscall(number, descriptor));
    syncs += result == 0 ? 1 : 0;
    return result;
}

}  // namespace

// The linker lets these stand before libc's, as libsqlite3 asks for them by name.
extern "C" int fdatasync(int descriptor) {
    return sync_by(SYS_fdatasync, descriptor);
}

extern "C" int fsync(int descriptor) {
    return sync_by(SYS_fsync, descriptor);
}

namespace blocky::test {
namespace {

TEST_CASE("each batch is synced before it is answered for") {
    const Stage stage;
    const auto sink = stage.sink();
    for (int number = 1; number <= 5; ++number) {
        const int before = syncs;
        CHECK(stored(sink->process(batch_with(std::to_string(number), {"1", "2"}))));
        CHECK(syncs > before);
    }
}

TEST_CASE("a batch whose sync failed is not answered for, and is synced when it is") {
    const Stage stage;
    const auto sink = stage.sink();
    CHECK(stored(sink->process(batch_with("a", {"1"}))));
    // One fails, or more: then the way out of the failure, a checkpoint, fails too.
    for (const int failing : {1, 2, 3, 4, 5, 6}) {
        const auto batch = batch_with(std::to_string(failing), {"1", "2"});
        failures = failing;
        CHECK(contains(transient_reason(sink->process(batch)), "disk I/O error"));
        BatchResult result = sink->process(batch);
        while (!result && failures > 0) {
            result = sink->process(batch);
        }
        failures = 0;
        const int before = syncs;
        if (!result) {
            result = sink->process(batch);
            CHECK(syncs > before);
        }
        for (const auto kind : kinds(result)) {
            CHECK((kind == Kind::kStored || kind == Kind::kDuplicate));
        }
    }
    CHECK(stage.rows("SELECT count(*), count(DISTINCT id) FROM messages") == Rows{"13|13"});
}

}  // namespace
}  // namespace blocky::test
