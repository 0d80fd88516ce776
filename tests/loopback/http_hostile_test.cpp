// Clients that mean harm, or are broken: none of them keeps the server from answering the others,
// or from ending.
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "consumer/http/process_metrics.hpp"
#include "tests/support/serving_http.hpp"

namespace blocky::test {
namespace {

constexpr const char* kHalfARequest = "GET / HTTP/1.1\r\nHost: local";

std::uint64_t open_descriptors() {
    return read_process_metrics().value().open_descriptors;
}

// More than fits between the two ends of a connection.
Snapshot enormous() {
    auto snapshot = made_up_snapshot(0);
    const std::string line = "{\"summary\":\"" + std::string(4'000, 'x') + "\"}";
    for (std::uint64_t number = 1; number <= kBatchesRemembered; ++number) {
        snapshot.batches.push_back(std::make_shared<const BatchEvent>(BatchEvent{number, line}));
    }
    return snapshot;
}

}  // namespace

TEST_CASE("a hundred halves of a request keep nobody waiting") {
    const ServingHttp http;
    std::vector<HttpClient> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(http.connect());
        clients.back().send(kHalfARequest);
        CHECK((i % 10 != 9 || http.is_well()));
    }
    CHECK(http.get("/metrics").find("\nblocky_http_connections_refused_total 0\n") ==
          std::string::npos);
}

TEST_CASE("connections that say nothing keep nobody waiting") {
    const ServingHttp http;
    std::vector<HttpClient> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(http.connect());
    }
    CHECK(http.is_well());
}

TEST_CASE("half a request is given up after a while, whatever comes meanwhile") {
    const ServingHttp http;
    auto silent = http.connect();
    silent.send(kHalfARequest);
    const auto begin = Clock::now();
    CHECK(silent.rest().empty());
    CHECK(Clock::now() - begin < std::chrono::seconds(8));
}

TEST_CASE("a client that does not read is cut") {
    ServingHttp http;
    http.put_up(enormous());
    const auto before = open_descriptors();
    auto status = http.connect(4096);
    status.get("/status");
    auto events = http.connect(4096);
    events.get("/events", "Last-Event-ID: 0123456789abcdef-0\r\n");
    REQUIRE(status.wait_for("200 OK"));
    REQUIRE(events.wait_for("retry:"));
    CHECK(open_descriptors() == before + 4);
    CHECK(http.is_well());
    // The server's ends go. One who says nothing is cut after as long: that is the clock.
    for (int i = 0; i < 3 && open_descriptors() > before + 2; ++i) {
        CHECK(http.connect().rest().empty());
    }
    CHECK(open_descriptors() == before + 2);
}

TEST_CASE("a server whose clients neither read nor write ends all the same") {
    ServingHttp http;
    http.put_up(enormous());
    std::vector<HttpClient> clients;
    for (int i = 0; i < 60; ++i) {
        clients.push_back(http.connect(4096));
        i % 2 == 0 ? void(clients.back().get("/status")) : void(clients.back().send("GET"));
    }
    REQUIRE(clients.front().wait_for("200 OK"));
    // Not after the five seconds that each of them would have had.
    const auto begin = Clock::now();
    http.server.end();
    CHECK(Clock::now() - begin < std::chrono::seconds(4));
}

TEST_CASE("ten megabytes of headers are not read to their end") {
    const ServingHttp http;
    for (const auto& header : {std::string("X-Long: ") + std::string(10'000'000, 'x') + "\r\n",
                               std::string(10'000'000, 'y')}) {
        auto client = http.connect();
        CHECK_FALSE(client.send("GET / HTTP/1.1\r\n" + header));
        client.rest();
    }
    auto many = http.connect();
    bool taken = many.send("GET / HTTP/1.1\r\n");
    for (int i = 0; taken && i < 1'000'000; ++i) {
        taken = many.send("X: 12345\r\n");
    }
    CHECK_FALSE(taken);
    CHECK(http.is_well());
}

TEST_CASE("a head that is a little too long is told so") {
    const ServingHttp http;
    CHECK(
        http.get("/", "X-Long: " + std::string(17'000, 'x') + "\r\n").starts_with("HTTP/1.1 431 "));
    CHECK(http.get("/" + std::string(9'000, 'x')).starts_with("HTTP/1.1 414 "));
    CHECK(http.get("/", "X-Long: " + std::string(15'000, 'x') + "\r\n")
              .starts_with(ServingHttp::kOk));
}

TEST_CASE("what is no HTTP is refused or dropped") {
    const ServingHttp http;
    for (const std::string text :
         {"\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "get / HTTP/1.1\r\n\r\n",
          "GET / HTTP/1.1 x\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n",
          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /%zz%f HTTP/1.1\r\nHost:\r\n\r\n"}) {
        CAPTURE(text);
        auto client = http.connect();
        client.send(text);
        const auto answer = client.rest();
        CHECK((answer.empty() || answer.starts_with("HTTP/1.1 ")));
    }
    CHECK(http.is_well());
}

TEST_CASE("random bytes do no harm") {
    const ServingHttp http;
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same bytes each time
    for (int i = 0; i < 50; ++i) {
        std::string text(random() % 2'000, '\0');
        for (auto& byte : text) {
            byte = static_cast<char>(random());
        }
        auto client = http.connect();
        client.send(i % 2 == 0 ? text + "\r\n\r\n" : "GET /" + text + " HTTP/1.1\r\n\r\n");
        client.rest(std::chrono::seconds(8));
    }
    CHECK(http.is_well());
}

}  // namespace blocky::test
