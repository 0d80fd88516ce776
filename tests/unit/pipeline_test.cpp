// What a pipelined client sends and when, and what it makes of replies: no sockets, and a clock
// that only the test moves.
#include "producer/pipeline.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Ids = std::vector<std::string>;
using Kind = PushFailure::Kind;

struct Sent {
    std::uint64_t tag;
    nlohmann::json body;
    Ids ids;
};

struct Fixture {
    explicit Fixture(std::size_t bundle = 1, std::size_t in_flight = 100)
        : options{{}, in_flight, kMaxInFlightBytes, bundle} {
        options.client.endpoints = {"tcp://127.0.0.1:1"};
        options.client.name = "p";
    }

    Pipeline& pipeline() {
        if (!state) {
            state.emplace(options, 42);
        }
        return *state;
    }
    void push(const Ids& ids, const std::string& value = "1") {
        for (const auto& id : ids) {
            pipeline().push(
                value, id,
                [this, id](std::string_view given, const PushResult& result) {
                    CHECK(given == id);
                    CHECK(outcomes.emplace(id, result).second);  // one outcome each
                },
                now);
        }
    }
    // All that may go.
    std::vector<Sent> send(std::size_t enough = 1) {
        std::vector<Sent> all;
        while (const auto* const request = pipeline().next_request(enough, now)) {
            std::string body(pipeline().bytes_of(*request), '?');
            pipeline().write(*request, body.data());
            CHECK(body.size() <= options.client.max_message_bytes);
            Sent sent{request->tag, nlohmann::json::parse(body), {}};
            const auto members = sent.body.value("messages", nlohmann::json::array({sent.body}));
            for (const auto& member : members) {
                sent.ids.push_back(member["id"]);
            }
            all.push_back(std::move(sent));
        }
        return all;
    }
    // The ids of all that may go, request by request.
    std::vector<Ids> send_ids() {
        std::vector<Ids> ids;
        for (auto& sent : send()) {
            ids.push_back(std::move(sent.ids));
        }
        return ids;
    }
    void reply(const Sent& sent, const std::string& body) {
        pipeline().take_reply(sent.tag, body, now);
    }
    void pass(Duration time) {
        now += time;
        pipeline().expire(now);
    }
    bool acknowledged(const std::string& id) const {
        return outcomes.contains(id) && outcomes.at(id).has_value();
    }
    Kind failure(const std::string& id) const {
        REQUIRE(outcomes.contains(id));
        REQUIRE_FALSE(outcomes.at(id));
        return outcomes.at(id).error().kind;
    }

    PipelineOptions options;
    TimePoint now = at(0s);
    std::map<std::string, PushResult> outcomes;
    std::optional<Pipeline> state;
};

std::string ok(const std::string& id, const std::string& more = R"(,"batch":7,"size":3)") {
    return R"({"status":"ok","id":")" + id + "\"" + more + "}";
}

std::string error(const std::string& code, bool retry, const std::string& more = {}) {
    return R"({"status":"error","code":")" + code + R"(","message":"so it is","retry":)" +
           (retry ? "true" : "false") + more + "}";
}

std::string uniform(std::size_t count) {
    return R"({"status":"ok","count":)" + std::to_string(count) +
           R"(,"batch":7,"size":9,"result":5})";
}

TEST_CASE("messages go in the order of their pushes, each as a request") {
    Fixture f;
    f.push({"a", "b", "c"});
    CHECK(f.send_ids() == std::vector<Ids>{{"a"}, {"b"}, {"c"}});
    CHECK(f.send().empty());
}

TEST_CASE("replies may come in any order, and each counts for its own message only") {
    Fixture f;
    f.push({"a", "b", "c"});
    const auto sent = f.send();
    f.now += 5ms;
    f.reply(sent[2], ok("c"));
    f.reply(sent[0], ok("a"));
    CHECK(f.acknowledged("c"));
    CHECK(f.acknowledged("a"));
    CHECK_FALSE(f.outcomes.contains("b"));
    CHECK(f.pipeline().size() == 1);
    const auto& reply = *f.outcomes.at("a");
    CHECK(reply.reply.id == "a");
    CHECK(reply.reply.batch == 7);
    CHECK(reply.body == ok("a"));
    CHECK(reply.held == 5ms);
}

TEST_CASE("an ok that names another message is no acknowledgement, wherever it comes from") {
    for (const auto& body :
         {ok("b"), ok(""), std::string(R"({"status":"ok","batch":7,"size":3})"), uniform(1),
          std::string(R"({"status":"mixed","replies":[{"status":"ok","id":"b"}]})"), std::string(),
          std::string("ok")}) {
        CAPTURE(body);
        Fixture f;
        f.push({"x", "b"});
        const auto sent = f.send();
        f.reply(sent[0], ok("x"));  // so that there is an ok to be mistaken for
        f.reply(sent[1], body == ok("b") ? ok("x") : body);
        CHECK(f.outcomes.size() == 1);
        f.pass(1s);
        CHECK(f.send_ids() == std::vector<Ids>{{"b"}});  // it goes again
    }
}

TEST_CASE("a reply is read in full where it is not the latest one but for the id") {
    Fixture f;
    f.push({"a", "b", "c", "d"});
    const auto sent = f.send();
    f.reply(sent[0], ok("a", R"(,"batch":1,"size":3)"));
    f.reply(sent[1], ok("b", R"(,"batch":1,"size":3)"));
    f.reply(sent[2], ok("c", R"(,"batch":2,"size":3)"));
    f.reply(sent[3], ok("d", R"(,"duplicate":true)"));
    CHECK(f.outcomes.at("b")->reply.batch == 1);
    CHECK(f.outcomes.at("b")->reply.id == "b");
    CHECK(f.outcomes.at("b")->body == ok("b", R"(,"batch":1,"size":3)"));
    CHECK(f.outcomes.at("c")->reply.batch == 2);
    CHECK(f.outcomes.at("d")->reply.duplicate);
    CHECK(f.outcomes.at("d")->reply.batch == 0);
}

TEST_CASE("a large message is like any other, and the next one too") {
    for (const std::size_t bundle : {1U, 2U}) {
        Fixture f(bundle);
        f.push({"a", "b"}, std::string(10'000, ' ') + "1");
        for (const auto& sent : f.send()) {
            f.reply(sent, bundle == 1 ? ok(sent.ids[0]) : uniform(2));
        }
        f.push({"c"});
        f.reply(f.send()[0], ok("c"));
        CHECK(f.acknowledged("a"));
        CHECK(f.acknowledged("b"));
        CHECK(f.acknowledged("c"));
    }
}

TEST_CASE("a reply to no request, or a second one, does nothing") {
    Fixture f;
    f.push({"a"});
    const auto sent = f.send();
    f.pipeline().take_reply(sent[0].tag + 1, ok("a"), f.now);
    CHECK(f.outcomes.empty());
    f.reply(sent[0], ok("a"));
    f.reply(sent[0], ok("a"));
    CHECK(f.acknowledged("a"));
}

TEST_CASE("what waits travels together, up to the size of a bundle, and one alone as it is") {
    Fixture f(3);
    f.push({"a", "b", "c", "d", "e", "f", "g"});
    const auto sent = f.send();
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].ids == Ids{"a", "b", "c"});
    CHECK(sent[1].ids == Ids{"d", "e", "f"});
    CHECK(sent[2].ids == Ids{"g"});
    CHECK(sent[0].body["producer"] == "p");
    CHECK_FALSE(sent[2].body.contains("messages"));
    CHECK(sent[2].body["producer"] == "p");
}

TEST_CASE("only as many as are asked for go while the caller has more to push") {
    Fixture f(3);
    f.push({"a", "b"});
    CHECK(f.send(3).empty());
    f.push({"c", "d"});
    CHECK(f.send(3).size() == 1);
    CHECK(f.send_ids() == std::vector<Ids>{{"d"}});
}

TEST_CASE("a bundle is split by the bytes that a request may have") {
    Fixture f(100);
    f.options.client.max_message_bytes = 150;
    f.push({"a", "b", "c", "d", "e"}, std::string(40, '1'));
    CHECK(f.send_ids() == std::vector<Ids>{{"a", "b"}, {"c", "d"}, {"e"}});  // send() checks sizes
    f.push({"f"}, std::string(200, '1'));
    CHECK(f.failure("f") == Kind::kRefused);
    CHECK(f.outcomes.at("f").error().reason.starts_with("too_large"));
}

TEST_CASE("one ok for a bundle is an ok for each, if it counts them right") {
    Fixture f(3);
    f.push({"a", "b", "c"});
    const auto sent = f.send();
    f.reply(sent[0], uniform(3));
    for (const std::string id : {"a", "b", "c"}) {
        REQUIRE(f.acknowledged(id));
        CHECK(f.outcomes.at(id)->reply.id == id);
        CHECK(f.outcomes.at(id)->reply.result == "5");
        CHECK(f.outcomes.at(id)->body.empty());
    }
}

TEST_CASE("a reply to a bundle that is not understood acknowledges none of it") {
    for (const auto& body :
         {uniform(2), uniform(4), ok("a"), std::string(R"({"status":"ok"})"), std::string("x"),
          std::string(R"({"status":"mixed","replies":[{"status":"ok","id":"a"}]})")}) {
        CAPTURE(body);
        Fixture f(3);
        f.push({"a", "b", "c"});
        f.reply(f.send()[0], body);
        CHECK(f.outcomes.empty());
        f.pass(1s);
        CHECK(f.send_ids() == std::vector<Ids>{{"a", "b", "c"}});
    }
}

TEST_CASE("each message of a mixed reply is judged by itself") {
    Fixture f(5);
    f.push({"a", "b", "c", "d", "e"});
    f.reply(f.send()[0], R"({"status":"mixed","replies":[)" + ok("a") + "," +
                             ok("b", R"(,"duplicate":true)") + "," +
                             error("rejected", false, R"(,"id":"c")") + "," +
                             error("sink_failed", true, R"(,"id":"d")") + "," + ok("a") + "]}");
    CHECK(f.acknowledged("a"));
    CHECK(f.outcomes.at("a")->body == ok("a"));
    CHECK(f.outcomes.at("b")->reply.duplicate);
    CHECK(f.failure("c") == Kind::kRefused);
    CHECK(f.outcomes.at("c").error().reason == "rejected: so it is");
    CHECK_FALSE(f.outcomes.contains("d"));
    CHECK_FALSE(f.outcomes.contains("e"));
    f.pass(1s);
    CHECK(f.send_ids() == std::vector<Ids>{{"d", "e"}});
}

TEST_CASE("an error for a bundle that may come again is retried whole") {
    Fixture f(3);
    f.push({"a", "b", "c"});
    f.reply(f.send()[0], error("sink_failed", true));
    CHECK(f.outcomes.empty());
    f.pass(1s);
    CHECK(f.send_ids() == std::vector<Ids>{{"a", "b", "c"}});
}

TEST_CASE("an error for a bundle that must not come again is found out one by one") {
    Fixture f(3);
    f.push({"a", "b", "c"});
    f.reply(f.send()[0], error("bad_request", false));
    CHECK(f.outcomes.empty());
    f.push({"d", "e"});
    const auto sent = f.send();
    REQUIRE(sent.size() == 4);
    CHECK(sent[0].ids == Ids{"a"});
    CHECK(sent[2].ids == Ids{"c"});
    CHECK(sent[3].ids == Ids{"d", "e"});
    f.reply(sent[0], ok("a"));
    f.reply(sent[1], error("bad_request", false));
    CHECK(f.acknowledged("a"));
    CHECK(f.failure("b") == Kind::kRefused);
    CHECK_FALSE(f.outcomes.contains("c"));
}

TEST_CASE(
    "while the consumer is busy nothing new goes, and the same again after the time it said") {
    Fixture f;
    f.push({"a", "b"});
    const auto sent = f.send();
    f.reply(sent[0], error("busy", true, R"(,"retry_after_ms":150)"));
    f.push({"c"});
    f.pass(149ms);
    CHECK(f.send().empty());
    CHECK(f.pipeline().due() == at(150ms));
    f.reply(sent[1], ok("b"));
    f.pass(1ms);
    CHECK(f.send_ids() == std::vector<Ids>{{"a"}, {"c"}});
}

TEST_CASE("after another error new messages go on, and may overtake") {
    for (const std::string code : {"sink_failed", "expired", "new_one"}) {
        Fixture f;
        f.push({"a"});
        f.reply(f.send()[0], error(code, true));
        f.push({"b"});
        CHECK(f.send_ids() == std::vector<Ids>{{"b"}});
        f.pass(100ms);
        CHECK(f.send_ids() == std::vector<Ids>{{"a"}});
    }
}

TEST_CASE("waits grow from pause to pause, whatever the number of messages") {
    Fixture f;
    f.push({"a", "b", "c"});
    for (const auto& [least, most] : {std::pair{50ms, 100ms}, {100ms, 200ms}, {200ms, 400ms}}) {
        for (const auto& sent : f.send()) {
            f.reply(sent, error("sink_failed", true));
        }
        CHECK(f.pipeline().due() >= f.now + least);
        CHECK(f.pipeline().due() <= f.now + most);
        f.pass(most);
    }
    for (const auto& sent : f.send()) {
        f.reply(sent, ok(sent.ids[0]));
    }
    CHECK(f.outcomes.size() == 3);
}

TEST_CASE("what is unanswered when the connection breaks goes again first, in order") {
    Fixture f(2);
    f.push({"a", "b", "c", "d", "e"});
    const auto sent = f.send();
    f.push({"f"});
    f.reply(sent[1], uniform(2));
    f.pipeline().put_back_sent();
    CHECK(f.send_ids() == std::vector<Ids>{{"a", "b"}, {"e", "f"}});
    f.reply(sent[0], uniform(2));  // late: the old tag is nobody's
    CHECK_FALSE(f.outcomes.contains("a"));
}

TEST_CASE("a request that is silent for the timeout is told") {
    Fixture f;
    f.options.client.timeout = 1s;
    f.push({"a"});
    const auto first = f.send();
    f.pass(500ms);
    f.push({"b"});
    f.send();
    f.reply(first[0], ok("a"));
    f.pass(999ms);
    CHECK_FALSE(f.pipeline().is_silent(f.now));
    f.pass(1ms);
    CHECK(f.pipeline().is_silent(f.now));
}

TEST_CASE("a message is given up on its own, wherever it is, and others of its bundle go on") {
    Fixture f(3);
    f.options.client.retry_for = 1s;
    f.push({"a"});
    f.now += 500ms;
    f.push({"b", "c"});
    const auto sent = f.send();
    f.pass(500ms);
    CHECK(f.failure("a") == Kind::kGaveUp);
    CHECK(f.outcomes.at("a").error().reason.starts_with("given up after"));
    f.reply(sent[0], uniform(3));
    CHECK(f.acknowledged("b"));
    CHECK(f.acknowledged("c"));

    f.push({"d"});
    f.reply(f.send()[0], error("busy", true, R"(,"retry_after_ms":5000)"));
    f.push({"e"});
    f.pass(1s);
    CHECK(f.failure("d") == Kind::kGaveUp);
    CHECK(f.outcomes.at("d").error().reason.find("busy") != std::string::npos);
    CHECK(f.failure("e") == Kind::kGaveUp);
    CHECK(f.pipeline().size() == 0);
}

TEST_CASE("after a stop only what is on its way is waited for") {
    Fixture f;
    f.push({"a", "b"});
    const auto sent = f.send();
    f.reply(sent[1], error("busy", true, R"(,"retry_after_ms":5000)"));
    f.push({"c"});
    f.pipeline().stop(false);
    CHECK(f.failure("b") == Kind::kStopped);
    CHECK(f.failure("c") == Kind::kNotSent);
    CHECK_FALSE(f.outcomes.contains("a"));
    f.pipeline().stop(true);
    CHECK(f.failure("a") == Kind::kStopped);
}

TEST_CASE("a consumer that shuts down is left when it has answered what it holds") {
    Fixture f;
    f.options.client.endpoints.emplace_back("tcp://127.0.0.1:2");
    f.push({"a", "b"});
    const auto sent = f.send();
    f.reply(sent[1], error("shutting_down", true));
    f.push({"c"});
    CHECK_FALSE(f.pipeline().is_left());
    f.reply(sent[0], ok("a"));
    CHECK(f.pipeline().is_left());
    CHECK(f.send().empty());
    f.pipeline().arrive(f.now);
    f.pass(0s);
    CHECK(f.send_ids() == std::vector<Ids>{{"b"}, {"c"}});
}

TEST_CASE("there is room for so many messages and for so many bytes") {
    Fixture many(1, 2);
    many.push({"a"});
    CHECK(many.pipeline().has_room());
    many.push({"b"});
    CHECK_FALSE(many.pipeline().has_room());
    many.reply(many.send()[0], ok("a"));
    CHECK(many.pipeline().has_room());

    Fixture large;
    large.options.in_flight_bytes = 1000;
    large.push({"a"}, std::string(2000, ' ') + "1");  // one always may
    CHECK_FALSE(large.pipeline().has_room());
    large.reply(large.send()[0], ok("a"));
    CHECK(large.pipeline().has_room());
}

TEST_CASE("ten thousand messages with replies in any order get one outcome each") {
    Fixture f(7, 500);
    std::vector<Sent> open;
    std::size_t pushed = 0;
    while (f.outcomes.size() < 10'000) {
        while (pushed < 10'000 && f.pipeline().has_room()) {
            f.push({"m-" + std::to_string(++pushed)});
        }
        for (auto& sent : f.send()) {
            open.push_back(std::move(sent));
        }
        std::swap(open.front(), open[open.size() / 2]);
        const auto sent = std::move(open.back());
        open.pop_back();
        f.reply(sent, sent.ids.size() == 1 ? ok(sent.ids[0]) : uniform(sent.ids.size()));
    }
    CHECK(f.pipeline().size() == 0);
}

}  // namespace
}  // namespace blocky::test
