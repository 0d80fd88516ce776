// The REQ socket under the client: it tells when its connection comes and goes, and leaving it at
// any moment does no harm to others.
#include "producer/request_socket.hpp"

#include <poll.h>

#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/fake_consumer.hpp"
#include "tests/support/pushing.hpp"

namespace blocky::test {
namespace {

// Collects events until there is one of the kind; false when there is none by the deadline.
bool wait_for(RequestSocket& socket, bool ConnectionEvents::*kind,
              std::chrono::milliseconds wait = kDeadline) {
    const auto end = Clock::now() + wait;
    while (Clock::now() < end) {
        if (socket.take_events().*kind) {
            return true;
        }
        pollfd item{socket.monitor_descriptor(), POLLIN, 0};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        poll(&item, 1, static_cast<int>(left.count()));
    }
    return false;
}

void wait_until_readable(const RequestSocket& socket) {
    const auto end = Clock::now() + kDeadline;
    while ((socket.events() & ZMQ_POLLIN) == 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        pollfd item{socket.descriptor(), POLLIN, 0};
        REQUIRE(poll(&item, 1, static_cast<int>(left.count())) == 1);
    }
}

std::string wait_for_reply(RequestSocket& socket) {
    wait_until_readable(socket);
    return socket.receive().value_or("nothing");
}

constexpr auto kConnected = &ConnectionEvents::connected;
constexpr auto kDisconnected = &ConnectionEvents::disconnected;

TEST_CASE("a request goes and its reply comes, over a connection that is told of") {
    const Nowhere nowhere;
    zmq::context_t context;
    RequestSocket socket(context, nowhere.endpoint());
    CHECK_FALSE(socket.take_events().connected);
    FakeConsumer consumer(nowhere.endpoint());
    REQUIRE(wait_for(socket, kConnected));
    REQUIRE(socket.send("request"));
    CHECK_FALSE(socket.receive());
    const auto arrived = consumer.receive();
    CHECK(arrived.body == "request");
    CHECK(arrived.envelope.size() == 3);  // with a frame that correlates the reply
    consumer.reply(arrived, "reply");
    CHECK(wait_for_reply(socket) == "reply");
}

TEST_CASE("a reply that came before the connection broke can still be read") {
    zmq::context_t context;
    std::optional<FakeConsumer> consumer(std::in_place);
    RequestSocket socket(context, consumer->endpoint());
    REQUIRE(wait_for(socket, kConnected));
    REQUIRE(socket.send("request"));
    consumer->reply(consumer->receive(), "reply");
    wait_until_readable(socket);
    consumer.reset();
    REQUIRE(wait_for(socket, kDisconnected));
    CHECK(socket.receive() == "reply");
}

TEST_CASE("a connection that breaks is told, and so is the next one") {
    zmq::context_t context;
    std::optional<FakeConsumer> consumer(std::in_place);
    const auto endpoint = consumer->endpoint();
    RequestSocket socket(context, endpoint);
    CHECK(wait_for(socket, kConnected));
    for (int i = 0; i < 2; ++i) {
        consumer.reset();
        CHECK(wait_for(socket, kDisconnected));
        consumer.emplace(endpoint);
        CHECK(wait_for(socket, kConnected));
    }
}

TEST_CASE("sockets that are closed while their connections break do not stop the others") {
    constexpr int kSockets = 40;
    zmq::context_t context;
    bool frozen = false;
    for (int round = 0; round < 20 && !frozen; ++round) {
        std::optional<FakeConsumer> consumer(std::in_place);
        std::vector<std::unique_ptr<RequestSocket>> sockets;
        for (int i = 0; i < kSockets; ++i) {
            sockets.push_back(std::make_unique<RequestSocket>(context, consumer->endpoint()));
        }
        for (const auto& socket : sockets) {
            frozen = frozen || !wait_for(*socket, kConnected, 5s);
        }
        std::latch both(2);
        std::thread breaking([&] {
            both.arrive_and_wait();
            consumer.reset();
        });
        both.arrive_and_wait();
        sockets.clear();
        breaking.join();
    }
    CHECK_FALSE(frozen);
}

}  // namespace
}  // namespace blocky::test
