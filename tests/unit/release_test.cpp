// From what became of a message to the reply that its producer gets.
#include "consumer/release.hpp"

#include <doctest/doctest.h>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("a stored message is ok, with its batch and the sink's answer") {
    const auto batch = batch_of({"1", "2"}, 7);
    const Verdict stored{Verdict::Kind::kStored, "3"};
    CHECK(encode(reply_to(batch, 1, stored)) ==
          R"({"status":"ok","id":"id-2","batch":7,"size":2,"result":3})");
}

TEST_CASE("without an answer of the sink there is no result") {
    const auto batch = batch_of({"1"}, 7);
    CHECK(encode(reply_to(batch, 0, {})) == R"({"status":"ok","id":"id-1","batch":7,"size":1})");
}

TEST_CASE("what the sink already had is a duplicate, in no batch") {
    const auto batch = batch_of({"1"}, 7);
    const Verdict duplicate{Verdict::Kind::kDuplicate, "3"};
    CHECK(encode(reply_to(batch, 0, duplicate)) ==
          R"({"status":"ok","id":"id-1","duplicate":true})");
}

TEST_CASE("a rejected message must not come again, one whose sink failed may") {
    const auto batch = batch_of({"1"}, 7);
    const Verdict rejected{Verdict::Kind::kRejected, "it is too large"};
    CHECK(encode(reply_to(batch, 0, rejected)) ==
          R"({"status":"error","id":"id-1","code":"rejected","message":"it is too large",)"
          R"("retry":false})");
    const Verdict failed{Verdict::Kind::kFailed, "no database"};
    CHECK(encode(reply_to(batch, 0, failed)) ==
          R"({"status":"error","id":"id-1","code":"sink_failed","message":"no database",)"
          R"("retry":true})");
}

TEST_CASE("a message without an id is answered without one") {
    Batch batch;
    batch.number = 2;
    batch.add(1, "", "", "5");
    CHECK(encode(reply_to(batch, 0, {})) == R"({"status":"ok","batch":2,"size":1})");
}

}  // namespace
}  // namespace blocky::test
