// The sink nats on a stream that obeys the test: verdicts, tries after a failure, and ids that the
// stream has forgotten.
#include "consumer/sinks/nats.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/fake_jetstream.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Kind = Verdict::Kind;
using Kinds = std::vector<Kind>;
using Ids = std::vector<std::string>;

struct Sunk {
    FakeJetStream* stream = new FakeJetStream;  // owned by the sink
    NatsSink sink{std::unique_ptr<JetStream>(stream), "run"};

    Kinds kinds(const Batch& batch) {
        Kinds kinds;
        const auto result = sink.process(batch);
        REQUIRE(result);
        for (const auto& verdict : *result) {
            kinds.push_back(verdict.kind);
        }
        return kinds;
    }
    std::string failure(const Batch& batch) {
        const auto result = sink.process(batch);
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == SinkFailure::Kind::kTransient);
        return result.error().reason;
    }
};

TEST_CASE("a message is published with its id, producer, batch and time, its value as it came") {
    Sunk sunk;
    auto batch = batch_of({R"({"n":1.50,"s":"\u0000é"})"}, 7);
    batch.add(2, "", "", "2");
    CHECK(sunk.kinds(batch) == Kinds{Kind::kStored, Kind::kStored});
    REQUIRE(sunk.stream->stored_ids() == Ids{"id-1", "run:2"});
    const auto& first = sunk.stream->stored[0];
    CHECK(first.value == R"({"n":1.50,"s":"\u0000é"})");
    CHECK(first.producer == "producer");
    CHECK(first.batch == 7);
    CHECK(first.received_at.ends_with('Z'));
    CHECK(sunk.stream->stored[1].producer.empty());
}

TEST_CASE("what the stream had already, and what a batch has twice, is a duplicate") {
    Sunk sunk;
    CHECK(sunk.kinds(batch_of({"1"})) == Kinds{Kind::kStored});
    auto batch = batch_of({"1", "2"}, 2);
    batch.add(3, "producer", "id-2", "2");
    CHECK(sunk.kinds(batch) == Kinds{Kind::kDuplicate, Kind::kStored, Kind::kDuplicate});
    CHECK(sunk.stream->stored.size() == 2);
}

TEST_CASE("a message that the stream refuses is rejected alone, with its words") {
    Sunk sunk;
    sunk.stream->refuses = "2";
    const auto result = sunk.sink.process(batch_of({"1", "2", "3"}));
    REQUIRE(result);
    CHECK((*result)[0].kind == Kind::kStored);
    CHECK((*result)[1].kind == Kind::kRejected);
    CHECK((*result)[1].detail == "too large");
    CHECK((*result)[2].kind == Kind::kStored);
}

TEST_CASE("without a server nothing is published") {
    Sunk sunk;
    sunk.stream->down = "no server answers";
    CHECK(sunk.failure(batch_of({"1"})) == "no server answers");
    CHECK(sunk.stream->sizes.empty());
}

TEST_CASE("after a failure one message goes first, and what was acknowledged does not go again") {
    Sunk sunk;
    const auto batch = batch_of(numbers_up_to(10));
    sunk.stream->answers = 4;
    CHECK(sunk.failure(batch) == "no answer");
    CHECK(sunk.failure(batch) == "no answer");
    sunk.stream->answers = SIZE_MAX;
    CHECK(sunk.kinds(batch) == Kinds(10, Kind::kStored));
    CHECK(sunk.stream->sizes == std::vector<std::size_t>{10, 1, 1, 5});
    CHECK(sunk.stream->stored.size() == 10);
    CHECK(sunk.kinds(batch_of({"11", "12"}, 2)) == Kinds(2, Kind::kDuplicate));
    CHECK(sunk.stream->sizes.back() == 2);
}

TEST_CASE("a duplicate of an own earlier try is stored, one of an earlier run stays a duplicate") {
    Sunk sunk;
    CHECK(sunk.kinds(batch_of({"1"})) == Kinds{Kind::kStored});
    const auto batch = batch_of({"1", "2"}, 2);
    sunk.stream->answers = 0;
    sunk.failure(batch);
    sunk.stream->answers = SIZE_MAX;
    CHECK(sunk.kinds(batch) == Kinds{Kind::kDuplicate, Kind::kStored});
}

struct Forgetful : Sunk {
    Forgetful() { stream->stream.duplicate_window = 0s; }  // any outage is longer than half of it
    void forget() { stream->window.clear(); }
};

TEST_CASE("after a long outage what the stream has forgotten is found by reading back") {
    Forgetful sunk;
    CHECK(sunk.kinds(batch_of({"0"})) == Kinds{Kind::kStored});
    Batch batch;
    batch.number = 2;
    for (std::uint64_t i = 1; i <= 5; ++i) {
        batch.add(i, "producer", "late-" + std::to_string(i), "1");
    }
    sunk.stream->answers = 1;
    sunk.failure(batch);
    sunk.forget();
    sunk.stream->answers = SIZE_MAX;
    CHECK(sunk.kinds(batch) == Kinds(5, Kind::kStored));
    CHECK(sunk.stream->stored.size() == 6);
    CHECK(sunk.stream->read_from == std::vector<std::uint64_t>{1});
}

TEST_CASE("what is absent from the stream is published, and next time looked for behind that") {
    Forgetful sunk;
    sunk.stream->stores_unanswered = false;
    const auto batch = batch_of({"1", "2"});
    sunk.stream->answers = 0;
    sunk.failure(batch);
    sunk.stream->stored.push_back({"somebody else's", {}, "9", 1, {}});
    sunk.failure(batch);
    sunk.stream->answers = SIZE_MAX;
    CHECK(sunk.kinds(batch) == Kinds(2, Kind::kStored));
    CHECK(sunk.stream->read_from == std::vector<std::uint64_t>{0, 1});
    CHECK(sunk.stream->stored_ids() == Ids{"somebody else's", "id-1", "id-2"});
}

TEST_CASE("as long as the stream cannot be read back nothing is published") {
    Forgetful sunk;
    const auto batch = batch_of({"1"});
    sunk.stream->answers = 0;
    sunk.failure(batch);
    sunk.stream->answers = SIZE_MAX;
    sunk.stream->unreadable = "no leader";
    CHECK(sunk.failure(batch) == "no leader");
    CHECK(sunk.stream->sizes.size() == 1);
}

// Ten ids of somebody else's, then what the batch has; in parts of two.
struct Busy : Forgetful {
    Batch batch = batch_of({"1", "2"});

    Busy() {
        stream->answers = 0;
        stream->stores_unanswered = false;
        failure(batch);
        for (const auto& other : numbers_up_to(10)) {
            stream->stored.push_back({"other-" + other, {}, "9", 1, {}});
        }
        stream->answers = SIZE_MAX;
        stream->part_size = 2;
    }
};

TEST_CASE("reading back goes on where a failure has interrupted it") {
    Busy sunk;
    sunk.stream->readable_parts = 3;
    CHECK(sunk.failure(sunk.batch) == "no more parts");
    sunk.stream->readable_parts = SIZE_MAX;
    CHECK(sunk.kinds(sunk.batch) == Kinds(2, Kind::kStored));
    CHECK(sunk.stream->read_from == std::vector<std::uint64_t>{0, 2, 4, 6, 6, 8});
    CHECK(sunk.stream->stored.size() == 12);
}

TEST_CASE("reading back ends when all are found") {
    Busy sunk;
    sunk.stream->stored[2].id = "id-1";
    sunk.stream->stored[5].id = "id-2";
    const auto sent = sunk.stream->sizes.size();
    CHECK(sunk.kinds(sunk.batch) == Kinds(2, Kind::kStored));
    CHECK(sunk.stream->read_from == std::vector<std::uint64_t>{0, 2, 4});
    CHECK(std::ranges::count(sunk.stream->sizes, 0) ==
          static_cast<std::ptrdiff_t>(sunk.stream->sizes.size() - sent));
}

TEST_CASE("what was found before a failure is not looked for again") {
    Busy sunk;
    sunk.stream->stored[0].id = "id-1";
    sunk.stream->readable_parts = 1;
    sunk.failure(sunk.batch);
    sunk.stream->readable_parts = SIZE_MAX;
    sunk.stream->stored[3].id = "id-2";
    CHECK(sunk.kinds(sunk.batch) == Kinds(2, Kind::kStored));
    CHECK(sunk.stream->read_from == std::vector<std::uint64_t>{0, 2, 2});
    CHECK(sunk.stream->stored.size() == 10);
}

TEST_CASE("a batch that was given up is read back when its messages come again in another") {
    Forgetful sunk;
    sunk.stream->answers = 0;
    sunk.failure(batch_of({"1", "2"}, 1));
    sunk.forget();
    sunk.stream->answers = SIZE_MAX;
    CHECK(sunk.kinds(batch_of({"1", "2", "3"}, 2)) == Kinds(3, Kind::kStored));
    CHECK(sunk.stream->stored.size() == 3);
}

TEST_CASE("within half the window nothing is read back") {
    Sunk sunk;
    sunk.stream->answers = 0;
    sunk.failure(batch_of({"1"}));
    sunk.stream->answers = SIZE_MAX;
    CHECK(sunk.kinds(batch_of({"1"})) == Kinds{Kind::kStored});
    CHECK(sunk.stream->read_from.empty());
}

TEST_CASE("a message that the stream has no room for is refused at once") {
    Sunk sunk;
    sunk.stream->stream.most_bytes = 1000;
    const std::string fits(1000 - 250, '1');
    const std::string large(1000 - 150, '1');
    CHECK_FALSE(sunk.sink.objection_to(request(fits, "id")));
    const auto objection = sunk.sink.objection_to(request(large, "id"));
    REQUIRE(objection);
    CHECK(objection->find("the stream EVENTS takes 1000") != std::string::npos);
}

TEST_CASE("an id that servers would cut short is refused") {
    Sunk sunk;
    CHECK(sunk.sink.objection_to(request("1", " a")));
    CHECK(sunk.sink.objection_to(request("1", "a ")));
    CHECK_FALSE(sunk.sink.objection_to(request("1", "a b")));
}

TEST_CASE("the summary counts, and says when not all went well") {
    Sunk sunk;
    const auto batch = batch_of({"1", "2", "3"});
    const auto all = sunk.sink.summarize(
        batch, {{Kind::kStored, {}}, {Kind::kStored, {}}, {Kind::kDuplicate, {}}});
    CHECK(nlohmann::json::parse(all.json) == nlohmann::json{{"stored", 2}, {"duplicates", 1}});
    CHECK(all.text == "Stored 2 messages in the stream EVENTS, which had 1 already ✅");
    const auto none = sunk.sink.summarize(batch, {3, {Kind::kFailed, "why"}});
    CHECK(none.text == "Stored 0 messages in the stream EVENTS ❌");
}

}  // namespace
}  // namespace blocky::test
