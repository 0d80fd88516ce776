// What protects an endpoint that the consumer binds: CURVE on tcp, the socket's mode on ipc. In
// ZeroMQ an endpoint keeps the options that its socket had when it was bound, so that one ROUTER
// has both kinds.
#pragma once

#include <string>

#include <zmq.hpp>

namespace blocky {

class Authenticator;

struct CurveServer {
    std::string secret_key;  // as text
    // Says which keys may connect, and must be there before anything is bound; null: any key may.
    Authenticator* authenticator = nullptr;
};

// Sets what the next bind() of `endpoint` takes with it. Throws zmq::error_t.
void protect(zmq::socket_t& socket, const CurveServer& server, const std::string& endpoint);

}  // namespace blocky
