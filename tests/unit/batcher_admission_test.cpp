// Who is held, who is answered at once and with what, and who is released: ids, limits, draining.
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/batcher_fixture.hpp"

namespace blocky::test {
namespace {

using Names = std::vector<std::string>;

std::string duplicate(const std::string& id) {
    return R"({"status":"ok","id":")" + id + R"(","duplicate":true})";
}

std::string code_of(const std::string& reply) {
    return nlohmann::json::parse(reply).value("code", "");
}

BatcherOptions one_a_batch() {
    auto options = calm_options();
    options.max_items = 1;
    return options;
}

// One message through the sink.
void process(BatcherFixture& f, const std::string& id,
             Verdict::Kind kind = Verdict::Kind::kStored) {
    f.take(1ms);  // the first tick, unless it has been taken
    REQUIRE(f.push("first", id, 1ms) == kHeld);
    REQUIRE(f.take(1ms) == 1U);
    f.complete(kind);
}

TEST_CASE("a held message keeps its envelope, whole, and a refused one gives it back") {
    auto options = one_a_batch();
    options.max_held = 1;
    BatcherFixture f(options);
    f.take(0s);
    Claim claim;
    for (const std::string frame : {"id", "proxy", "request", ""}) {
        claim.envelope.append(frame);
    }
    const auto pushed = request("1");
    CHECK_FALSE(f.batcher.admit({pushed, 10, "id"}, claim, at(0s)));
    auto refused = claim_from("other");
    CHECK(f.batcher.admit({pushed, 10, "other"}, refused, at(0s)));
    CHECK(frames_of(refused.envelope) == Names{"other", ""});
    f.take(0s);
    const auto held = f.batcher.complete({Verdict{}});
    REQUIRE(held.waiters.size() == 1);
    CHECK(frames_of(held.waiters[0].claim.envelope) == Names{"id", "proxy", "request", ""});
    CHECK(held.batch == f.batch);
}

TEST_CASE("waiters come back with the time of their arrival") {
    BatcherFixture f;
    f.take(0s);
    f.push("a", "", 5ms);
    f.batcher.drain();
    REQUIRE(f.take(7ms) == 1U);
    CHECK(f.batcher.complete({Verdict{}}).waiters.at(0).arrival == at(5ms));
}

TEST_CASE("an id that was processed is answered as a duplicate, in no batch") {
    BatcherFixture f(one_a_batch());
    process(f, "m");
    CHECK(f.push("b", "m", 2ms) == duplicate("m"));
    CHECK_FALSE(f.take(2ms));
    CHECK(f.batcher.idle());
}

TEST_CASE("what the sink found to be a duplicate is remembered as processed") {
    BatcherFixture f(one_a_batch());
    process(f, "m", Verdict::Kind::kDuplicate);
    CHECK(f.push("b", "m", 2ms) == duplicate("m"));
}

TEST_CASE("an id that was rejected or failed is forgotten") {
    for (const auto kind : {Verdict::Kind::kRejected, Verdict::Kind::kFailed}) {
        BatcherFixture f(one_a_batch());
        process(f, "m", kind);
        CHECK(f.push("b", "m", 2ms) == kHeld);
        CHECK(f.take(2ms) == 1U);
    }
}

TEST_CASE("verdicts of one batch are remembered each by itself") {
    auto options = calm_options();
    options.max_items = 3;
    BatcherFixture f(options);
    f.take(0s);
    for (const std::string id : {"x", "y", "z"}) {
        f.push("a", id, 1ms);
    }
    REQUIRE(f.take(1ms) == 3U);
    f.complete_each({{Verdict::Kind::kStored, ""},
                     {Verdict::Kind::kRejected, "no"},
                     {Verdict::Kind::kStored, ""}});
    CHECK(f.push("a", "x", 2ms) == duplicate("x"));
    CHECK(f.push("a", "y", 2ms) == kHeld);
    CHECK(f.push("a", "z", 2ms) == duplicate("z"));
}

TEST_CASE("an id sent again while held counts once, and its newest sender is answered") {
    BatcherFixture f;
    f.take(0s);
    CHECK(f.push("old", "m", 1ms, "first value") == kHeld);
    CHECK(f.push("other", "n", 2ms) == kHeld);
    CHECK(f.push("new", "m", 3ms, "second value") == kHeld);
    CHECK(f.batcher.held() == 2);
    f.batcher.drain();
    REQUIRE(f.take(4ms) == 2U);
    CHECK(f.batch->messages[0].value == "first value");
    const auto waiters = f.batcher.complete(std::vector<Verdict>(2)).waiters;
    CHECK(waiters[0].claim.envelope.connection() == "new");
    CHECK(waiters[0].arrival == at(1ms));
    CHECK(waiters[1].claim.envelope.connection() == "other");
}

TEST_CASE("an id is taken over wherever its message is: open, in line, in flight") {
    auto options = calm_options();
    options.max_items = 2;
    BatcherFixture f(options);
    f.take(0s);
    for (const std::string id : {"1", "2", "3", "4", "5", "6", "7"}) {
        f.push("old" + id, id, 1ms);
    }
    REQUIRE(f.take(1ms) == 2U);
    for (const std::string id : {"7", "1", "4", "2", "6", "3", "5"}) {
        CHECK(f.push("new" + id, id, 2ms) == kHeld);
    }
    CHECK(f.complete() == Names{"new1", "new2"});
    f.take(2ms);
    CHECK(f.complete() == Names{"new3", "new4"});
    f.take(2ms);
    CHECK(f.push("last5", "5", 2ms) == kHeld);
    CHECK(f.complete() == Names{"last5", "new6"});
    f.batcher.drain();
    f.take(2ms);
    CHECK(f.complete() == Names{"new7"});
}

TEST_CASE("messages without an id are never duplicates") {
    BatcherFixture f(one_a_batch());
    f.take(0s);
    for (int i = 0; i < 3; ++i) {
        CHECK(f.push("a", "", 1ms) == kHeld);
        CHECK(f.take(1ms) == 1U);
        f.complete();
    }
}

TEST_CASE("the dedup window holds that many processed ids") {
    auto options = one_a_batch();
    options.dedup_window = 2;
    BatcherFixture f(options);
    for (const std::string id : {"a", "b", "c"}) {
        process(f, id);
    }
    CHECK(f.push("x", "c", 2ms) == duplicate("c"));
    CHECK(f.push("x", "b", 2ms) == duplicate("b"));
    CHECK(f.push("x", "a", 2ms) == kHeld);
}

TEST_CASE("with max_held messages held, one more is busy and told when to come back") {
    auto options = calm_options();
    options.interval = 1s;
    options.max_held = 2;
    BatcherFixture f(options);
    f.take(0s);
    f.push("a", "1", 300ms);
    f.push("b", "2", 300ms);
    const auto busy = nlohmann::json::parse(f.push("c", "3", 400ms));
    CHECK(busy["code"] == "busy");
    CHECK(busy["id"] == "3");
    CHECK(busy["retry"] == true);
    CHECK(busy["retry_after_ms"] == 600);
    CHECK(f.batcher.held() == 2);
    REQUIRE(f.take(1s) == 2U);
    CHECK(code_of(f.push("c", "3", 1s)) == "busy");  // in flight is held, too
    f.complete();
    CHECK(f.push("c", "3", 1s) == kHeld);
}

TEST_CASE("the time to come back is bounded below and above") {
    auto options = calm_options();
    options.max_held = 1;
    BatcherFixture slow(options);
    slow.take(0s);
    slow.push("a", "", 0s);
    CHECK(nlohmann::json::parse(slow.push("b", "", 0s))["retry_after_ms"] == 1000);

    options.interval = 1ms;
    BatcherFixture quick(options);
    quick.take(0s);
    quick.push("a", "", 0s);
    CHECK(nlohmann::json::parse(quick.push("b", "", 0s))["retry_after_ms"] == 10);
    CHECK(nlohmann::json::parse(quick.push("b", "", 1h))["retry_after_ms"] == 10);
}

TEST_CASE("one producer's share is a bound on it alone") {
    auto options = calm_options();
    options.max_held_per_producer = 2;
    BatcherFixture f(options);
    f.take(0s);
    CHECK(f.push("a", "1", 1ms) == kHeld);
    CHECK(f.push("a", "2", 1ms) == kHeld);
    const auto busy = f.push("a", "3", 1ms);
    CHECK(code_of(busy) == "busy");
    CHECK(busy.find("--max-held-per-producer") != std::string::npos);
    CHECK(f.push("b", "4", 1ms) == kHeld);
    CHECK(f.push("a", "2", 1ms) == kHeld);  // taken over: never busy
    f.batcher.drain();
    REQUIRE(f.take(2ms) == 3U);
    f.complete();
    CHECK(f.batcher.roster().holding("a").messages == 0);
}

TEST_CASE("a share is of all that is held: open, in line and in flight") {
    auto options = one_a_batch();
    options.max_held_per_producer = 3;
    BatcherFixture f(options);
    f.take(0s);
    for (const std::string id : {"1", "2", "3"}) {
        CHECK(f.push("a", id, 1ms) == kHeld);
    }
    REQUIRE(f.take(1ms) == 1U);
    CHECK(code_of(f.push("a", "4", 2ms)) == "busy");
    f.complete();
    CHECK(f.push("a", "4", 3ms) == kHeld);
    CHECK(code_of(f.push("a", "5", 3ms)) == "busy");
}

TEST_CASE("a share in bytes counts what is answered later, and gives it back") {
    auto options = one_a_batch();
    options.max_held_bytes_per_producer = 100;
    BatcherFixture f(options);
    f.take(0s);
    CHECK(f.push("a", "1", 1ms, "1", 60) == kHeld);
    const auto busy = f.push("a", "2", 1ms, "1", 41);
    CHECK(code_of(busy) == "busy");
    CHECK(busy.find("--max-held-bytes-per-producer") != std::string::npos);
    CHECK(f.push("b", "3", 1ms, "1", 60) == kHeld);
    CHECK(f.push("a", "4", 1ms, "1", 40) == kHeld);
    REQUIRE(f.take(1ms) == 1U);
    f.complete();
    CHECK(f.push("a", "2", 2ms, "1", 41) == kHeld);
}

TEST_CASE("a message that is taken over counts for its newest sender") {
    auto options = calm_options();
    options.max_held_per_producer = 1;
    BatcherFixture f(options);
    f.take(0s);
    CHECK(f.push("old", "1", 1ms) == kHeld);
    CHECK(f.push("new", "1", 1ms) == kHeld);
    CHECK(f.push("old", "2", 1ms) == kHeld);
    CHECK(code_of(f.push("new", "3", 1ms)) == "busy");
    CHECK(f.batcher.held() == 2);
}

TEST_CASE("batches that have emptied in line are bounded, too") {
    auto options = one_a_batch();
    options.max_held = 5;
    BatcherFixture f(options);
    f.take(0s);
    REQUIRE(f.push("a", "in flight", 1ms) == kHeld);
    REQUIRE(f.take(1ms) == 1U);
    f.deadline = 1ms;
    int held = 0;
    for (int n = 0; n < 20; ++n) {
        const auto now = std::chrono::milliseconds(10 + n);
        held += f.push("a", "m" + std::to_string(n), now) == kHeld ? 1 : 0;
        f.take_expired(now + 1ms);
    }
    CHECK(held == 5);
    CHECK(f.batcher.in_line() == 5);
    CHECK(f.batcher.held() == 1);
    f.complete();
    for (int n = 0; n < 5; ++n) {
        CHECK(f.take(1s) == 0U);
    }
    f.deadline = 0ms;
    CHECK(f.push("a", "later", 2s) == kHeld);
}

TEST_CASE("what a bundle keeps of replies while it is held counts, if it is much") {
    BatcherFixture f;
    f.take(0s);
    const auto pushed = request("1");
    auto claim = claim_from("a");
    std::vector<Batcher::Arrival> members{{pushed, 10, "a"}};
    for (const std::size_t kept : {4096U, 100'000U}) {
        f.batcher.begin_bundle(members, at(0s));
        REQUIRE_FALSE(f.batcher.admit(members[0], claim, at(0s)));
        f.batcher.end_bundle(at(0s), kept);
    }
    CHECK(f.batcher.held_bytes() == 100'020);
    CHECK(f.batcher.roster().holding("a").bytes == 100'020);
    f.batcher.drain();
    REQUIRE(f.take(1ms) == 2U);
    f.complete();
    CHECK(f.batcher.held_bytes() == 0);
    CHECK(f.batcher.roster().holding("a").bytes == 0);
}

TEST_CASE("max_held_bytes counts bodies, and gives them back when they are answered") {
    auto options = calm_options();
    options.max_held_bytes = 100;
    BatcherFixture f(options);
    f.take(0s);
    CHECK(f.push("a", "", 1ms, "1", 60) == kHeld);
    CHECK(code_of(f.push("b", "", 1ms, "1", 41)) == "busy");
    CHECK(f.push("b", "", 1ms, "1", 40) == kHeld);
    CHECK(code_of(f.push("c", "", 1ms, "1", 1)) == "busy");
    f.batcher.drain();
    f.take(1ms);
    f.complete();
    CHECK(f.batcher.idle());
}

TEST_CASE("a client cannot fill the memory with large envelopes") {
    auto options = calm_options();
    options.max_held_bytes = 10'000;
    BatcherFixture f(options);
    f.take(0s);
    CHECK(f.push(std::string(6000, 'e'), "", 1ms) == kHeld);
    CHECK(code_of(f.push(std::string(6000, 'f'), "", 1ms)) == "busy");
}

TEST_CASE("nor by taking ids over with large envelopes, which count until they are answered") {
    auto options = calm_options();
    options.max_held_bytes = 10'000;
    BatcherFixture f(options);
    f.take(0s);
    CHECK(f.push("small", "m", 1ms) == kHeld);
    CHECK(f.push("small", "n", 1ms) == kHeld);
    CHECK(f.push(std::string(6000, 'e'), "m", 2ms) == kHeld);
    CHECK(code_of(f.push(std::string(6000, 'f'), "n", 2ms)) == "busy");
    CHECK(f.push(std::string(7000, 'g'), "m", 2ms) == kHeld);  // in place of the 6000
    CHECK(f.push("small", "m", 3ms) == kHeld);
    CHECK(f.push(std::string(6000, 'f'), "n", 3ms) == kHeld);
    CHECK(code_of(f.push("other", "o", 3ms, "1", 5000)) == "busy");
    f.batcher.drain();
    REQUIRE(f.take(4ms) == 2U);
    CHECK(f.complete() == Names{"small", std::string(6000, 'f')});
}

TEST_CASE("bytes that were held are all given back, whatever was taken over") {
    auto options = calm_options();
    options.max_held_bytes = 10'000;
    options.max_items = 1;
    BatcherFixture f(options);
    f.take(0s);
    for (int i = 0; i < 10; ++i) {
        CHECK(f.push("small", "m" + std::to_string(i), 1ms, "1", 2000) == kHeld);
        CHECK(f.push(std::string(7000, 'e'), "m" + std::to_string(i), 1ms) == kHeld);
        REQUIRE(f.take(1ms) == 1U);
        f.complete();
    }
    CHECK(f.push("last", "last", 2ms, "1", 10'000) == kHeld);
}

TEST_CASE("an id that is held is taken over and an id that is known answered, even when busy") {
    auto options = one_a_batch();
    options.max_held = 1;
    BatcherFixture f(options);
    process(f, "done");
    CHECK(f.push("old", "held", 1ms) == kHeld);
    CHECK(f.push("a", "done", 1ms) == duplicate("done"));
    CHECK(f.push("new", "held", 1ms) == kHeld);
    CHECK(code_of(f.push("a", "fresh", 1ms)) == "busy");
    f.take(1ms);
    CHECK(f.complete() == Names{"new"});
}

TEST_CASE("while draining new messages are refused, before anything is called busy") {
    auto options = one_a_batch();
    options.max_held = 1;
    BatcherFixture f(options);
    process(f, "done");
    f.push("old", "held", 1ms);
    f.batcher.drain();
    CHECK(code_of(f.push("a", "", 1ms)) == "shutting_down");
    CHECK(f.push("a", "done", 1ms) == duplicate("done"));
    CHECK(f.push("new", "held", 1ms) == kHeld);
    f.take(1ms);
    CHECK(f.complete() == Names{"new"});
}

TEST_CASE("with answer_on_receipt everybody is answered at once, and batches go on") {
    auto options = calm_options();
    options.answer_on_receipt = true;
    options.max_items = 2;
    options.max_held = 3;
    BatcherFixture f(options);
    f.take(0s);
    CHECK(f.push("a", "m", 1ms) == R"({"status":"ok","id":"m"})");
    CHECK(f.push("a", "m", 1ms) == duplicate("m"));
    CHECK(f.push("b", "", 1ms) == R"({"status":"ok"})");
    CHECK(f.push("b", "", 1ms) == R"({"status":"ok"})");
    CHECK(code_of(f.push("c", "", 1ms)) == "busy");
    REQUIRE(f.take(1ms) == 2U);
    CHECK(f.batch->producers == 2);
    f.complete();
    CHECK(f.batcher.held() == 1);
    CHECK(f.push("a", "m", 2ms) == duplicate("m"));
}

TEST_CASE("abandoning returns all that is held, in order, and forgets it") {
    auto options = calm_options();
    options.max_items = 2;
    BatcherFixture f(options);
    f.take(0s);
    for (const std::string id : {"1", "2", "3", "4", "5"}) {
        f.push("c" + id, id, 1ms);
    }
    f.take(1ms);
    Names connections;
    for (const auto& held : f.batcher.abandon(at(2ms))) {
        CHECK(held.batch->messages.size() == held.waiters.size());
        for (const auto& waiter : held.waiters) {
            connections.emplace_back(waiter.claim.envelope.connection());
        }
    }
    CHECK(connections == Names{"c1", "c2", "c3", "c4", "c5"});
    CHECK(f.batcher.idle());
    CHECK_FALSE(f.take(3ms));
    CHECK(f.push("again", "1", 3ms) == kHeld);
}

}  // namespace
}  // namespace blocky::test
