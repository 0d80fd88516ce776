// The HTTP server over real connections: what is at each path, and how it ends.
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/serving_http.hpp"

namespace blocky::test {
namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("while the consumer starts, the server says so") {
    const ServingHttp http;
    CHECK(has(http.get("/status"), "HTTP/1.1 503 "));
    CHECK(body_of(http.get("/status")) == "{\"state\":\"starting\"}\n");
    CHECK(body_of(http.get("/healthz")) == "starting\n");
    CHECK(has(http.get("/readyz"), "HTTP/1.1 503 "));
    CHECK(has(http.get("/metrics"), "blocky_build_info{"));
}

TEST_CASE("what is put up is answered from then on") {
    ServingHttp http;
    http.put_up(made_up_snapshot(2, 3));
    http.board.beat(Clock::now());
    const auto status = http.get("/status");
    CHECK(status.starts_with(ServingHttp::kOk));
    CHECK(has(status, "Content-Type: application/json\r\n"));
    CHECK(has(status, "Cache-Control: no-store\r\n"));
    CHECK(has(status, "X-Content-Type-Options: nosniff\r\n"));
    CHECK(nlohmann::json::parse(body_of(status))["producers"]["live"] == 3);
    CHECK(body_of(http.get("/healthz")) == "ok\n");
    CHECK(body_of(http.get("/readyz")) == "ready\n");
    CHECK(has(http.get("/metrics"), "\nblocky_live_producers 3\n"));
    CHECK(has(http.get("/metrics"), "Content-Type: text/plain; version=0.0.4"));
}

TEST_CASE("the page and its files come from the program, and may be kept") {
    const ServingHttp http;
    const auto page = http.get("/");
    CHECK(has(page, "Content-Type: text/html"));
    CHECK(has(page, "Content-Security-Policy: default-src 'none'; "));
    CHECK(has(body_of(page), "</html>"));
    CHECK(body_of(http.get("/?theme=dark")) == body_of(page));
    CHECK(has(http.get("/dashboard.css"), "Content-Type: text/css"));
    CHECK(has(http.get("/dashboard.js"), "Content-Type: text/javascript"));
    CHECK(has(http.get("/chart.js"), "Chart.js v3"));
    const auto tag = page.substr(page.find("ETag: ") + 6, 66);
    const auto again = http.get("/", "If-None-Match: " + tag + "\r\n");
    CHECK(again.starts_with("HTTP/1.1 304 "));
    CHECK(body_of(again).empty());
}

TEST_CASE("other paths, methods and names are refused") {
    const ServingHttp http;
    CHECK(http.get("/nope").starts_with("HTTP/1.1 404 "));
    CHECK(http.get("/../etc/passwd").starts_with("HTTP/1.1 404 "));
    CHECK(http.get("/%00").starts_with("HTTP/1.1 404 "));
    for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
        CAPTURE(method);
        const auto answer = http.get("/", "Content-Length: 0\r\n", method);
        CHECK(answer.starts_with("HTTP/1.1 405 "));
        CHECK(has(answer, "Allow: GET, HEAD\r\n"));
    }
    auto client = http.connect();
    REQUIRE(client.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
    CHECK(client.rest().starts_with("HTTP/1.1 421 "));
}

TEST_CASE("HEAD has the headers alone") {
    const ServingHttp http;
    for (const auto* path : {"/", "/metrics", "/events"}) {
        CAPTURE(path);
        const auto answer = http.get(path, "", "HEAD");
        CHECK(answer.starts_with(ServingHttp::kOk));
        CHECK(body_of(answer).empty());
    }
}

TEST_CASE("what browsers ask for beyond the path changes nothing") {
    ServingHttp http;
    http.put_up(made_up_snapshot());
    const auto answer = http.get("/chart.js",
                                 "Range: bytes=0-0,0-0\r\nAccept-Encoding: gzip, br\r\n"
                                 "Expect: 100-continue\r\nConnection: keep-alive\r\n");
    CHECK(answer.starts_with(ServingHttp::kOk));
    CHECK_FALSE(has(answer, "Content-Encoding"));
    CHECK(has(answer, "Connection: close\r\n"));
    CHECK(body_of(answer) == body_of(http.get("/chart.js")));
}

TEST_CASE("a body that nobody asked for does not cost the answer") {
    const ServingHttp http;
    auto client = http.connect();
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n" +
                std::string(500'000, 'x'));
    CHECK(client.rest().starts_with("HTTP/1.1 405 "));
}

TEST_CASE("events come as they happen, and the stream ends with the server") {
    ServingHttp http;
    http.put_up(made_up_snapshot(2));
    auto client = http.connect();
    client.get("/events?state=1");
    REQUIRE(client.wait_for("event: state"));
    http.put_up(made_up_snapshot(3));
    REQUIRE(client.wait_for("id: 0123456789abcdef-3\n"));
    const auto begin = Clock::now();
    http.server.end();
    CHECK(Clock::now() - begin < std::chrono::seconds(1));
    CHECK(has(client.rest(), R"("state":"stopped")"));
}

TEST_CASE("a reader that comes back is told what it has missed") {
    ServingHttp http;
    http.put_up(made_up_snapshot(5));
    auto client = http.connect();
    client.get("/events", "Last-Event-ID: 0123456789abcdef-3\r\n");
    CHECK(client.wait_for("id: 0123456789abcdef-5\ndata: {\"batch\":4,"));
}

TEST_CASE("readers of events leave room for others, and give their places back") {
    ServingHttp http;
    http.put_up(made_up_snapshot());
    std::vector<HttpClient> readers;
    for (int i = 0; i < 16; ++i) {
        readers.push_back(http.connect());
        readers.back().get("/events");
        REQUIRE(readers.back().wait_for("retry:"));
    }
    const auto refused = http.get("/events");
    CHECK(refused.starts_with("HTTP/1.1 503 "));
    CHECK(has(refused, "Retry-After: "));
    CHECK(http.is_well());
    readers.pop_back();
    const auto deadline = Clock::now() + kDeadline;
    bool taken = false;
    while (!taken && Clock::now() < deadline) {
        auto reader = http.connect();
        taken = reader.get("/events").wait_for("retry:");
    }
    CHECK(taken);
}

TEST_CASE("a port that is taken is told by its address") {
    ServingHttp http;
    HttpAddress address;
    address.port = http.port();
    CHECK_THROWS_WITH(HttpServer({address, {}}, http.board),
                      doctest::Contains("Address already in use"));
    http.server.end();
    const HttpServer again({address, {}}, http.board);
    CHECK(again.url() == http.server.url());
}

}  // namespace blocky::test
