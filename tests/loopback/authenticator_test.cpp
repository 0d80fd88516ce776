// Who connects when nobody answers for the list: the fail-open trap of libzmq, which lets everybody
// in where no ZAP handler is bound, unless ZMQ_ZAP_ENFORCE_DOMAIN forbids it.
#include "consumer/authenticator.hpp"

#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "common/curve_keys.hpp"
#include "common/socket_monitor.hpp"
#include "consumer/router_socket.hpp"
#include "tests/support/deadline.hpp"

namespace blocky::test {
namespace {

AllowList list_of(const std::string& key) {
    return AllowList::parse(key + " press-1\n").value();
}

// A consumer's socket with that authenticator, and a client that has all keys right.
class Pair {
public:
    Pair(zmq::context_t& context, Authenticator& authenticator, const CurveKeys& server,
         const CurveKeys& client)
        : router_(context, 1'000, 1'000),
          client_(context, zmq::socket_type::dealer),
          monitor_(context, client_,
                   ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        router_.protect_by({CurveServer{server.secret_key, &authenticator}, 0600});
        client_.set(zmq::sockopt::linger, 0);
        client_.set(zmq::sockopt::curve_serverkey, server.public_key);
        client_.set(zmq::sockopt::curve_publickey, client.public_key);
        client_.set(zmq::sockopt::curve_secretkey, client.secret_key);
        client_.connect(router_.bind("tcp://127.0.0.1:*"));
    }

    // The first that comes of the handshake.
    int handshake() {
        std::optional<SocketMonitor::Event> event;
        while (!(event = monitor_.next())) {
            REQUIRE(readable(monitor_.descriptor()));
        }
        return event->number;
    }

private:
    RouterSocket router_;
    zmq::socket_t client_;
    SocketMonitor monitor_;
};

}  // namespace

TEST_CASE("a key in the list connects") {
    const auto server = make_curve_keys();
    const auto client = make_curve_keys();
    zmq::context_t context;
    Authenticator authenticator(context, "unused", list_of(client.public_key));
    CHECK(Pair(context, authenticator, server, client).handshake() ==
          ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

TEST_CASE("a key that is not in the list does not") {
    const auto server = make_curve_keys();
    const auto client = make_curve_keys();
    zmq::context_t context;
    Authenticator authenticator(context, "unused", list_of(server.public_key));
    CHECK(Pair(context, authenticator, server, client).handshake() ==
          ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
}

TEST_CASE("where nobody answers for the list, nobody gets in") {
    const auto server = make_curve_keys();
    const auto client = make_curve_keys();
    zmq::context_t elsewhere;
    Authenticator authenticator(elsewhere, "unused", list_of(client.public_key));
    zmq::context_t context;
    CHECK(Pair(context, authenticator, server, client).handshake() !=
          ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

}  // namespace blocky::test
