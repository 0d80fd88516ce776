// The options, all of them for each endpoint, since the one before may have been of the other kind.
#include "consumer/curve_server.hpp"

#include "common/endpoint.hpp"
#include "consumer/authenticator.hpp"

namespace blocky {
namespace {

// ZMQ_ZAP_ENFORCE_DOMAIN: zmq.h hides it among its drafts, but libzmq 4.3.4 takes it. Without it, a
// consumer in which nobody answers for the domain lets everybody in.
constexpr int kEnforceDomain = 93;

void set_enforced(zmq::socket_t& socket, int enforced) {
    if (zmq_setsockopt(socket.handle(), kEnforceDomain, &enforced, sizeof enforced) != 0) {
        throw zmq::error_t();
    }
}

}  // namespace

void protect(zmq::socket_t& socket, const CurveServer& server, const std::string& endpoint) {
    const bool encrypted = speaks_curve(endpoint);
    const bool asked_about = server.authenticator != nullptr;
    socket.set(zmq::sockopt::curve_server, encrypted);
    if (encrypted) {
        socket.set(zmq::sockopt::curve_secretkey, server.secret_key);
    }
    socket.set(zmq::sockopt::zap_domain, !asked_about ? ""
                                         : encrypted  ? Authenticator::kCurveDomain
                                                      : Authenticator::kIpcDomain);
    set_enforced(socket, asked_about ? 1 : 0);
}

}  // namespace blocky
