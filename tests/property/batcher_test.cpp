// The batcher against its model, with ticks or a linger, a barrier, deadlines, bundles, ids that
// come again and connections that end: every message in at most one batch, numbers without a gap,
// limits never passed, nothing expired in a batch that is taken, a barrier that closes when all are
// in and only then, everyone answered exactly once, and nobody left waiting after a drain.
#include <doctest/doctest.h>

#include "tests/support/batcher_model.hpp"

namespace blocky::test {
namespace {

TEST_CASE("the batcher does what its model does, whatever happens in whatever order") {
    Random random;
    for (int run = 0; run < 2000; ++run) {
        CAPTURE(run);
        BatcherModel model(random);
        for (auto steps = random.below(600); steps > 0; --steps) {
            model.step();
        }
        model.finish();
    }
}

TEST_CASE("the same calls give the same answers") {
    Random first;
    Random second;
    for (int run = 0; run < 20; ++run) {
        BatcherModel one(first);
        BatcherModel other(second);
        for (int step = 0; step < 200; ++step) {
            one.step();
            other.step();
        }
        REQUIRE(first.next() == second.next());
    }
}

}  // namespace
}  // namespace blocky::test
