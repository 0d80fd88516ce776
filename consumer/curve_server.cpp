// All that tells a tcp endpoint from an ipc one is set each time, since the one before may have
// been of the other kind; whether somebody is asked is the same for all.
#include "consumer/curve_server.hpp"

#include "common/endpoint.hpp"
#include "consumer/authenticator.hpp"

namespace blocky {
namespace {

// ZMQ_ZAP_ENFORCE_DOMAIN: zmq.h hides it among its drafts, but libzmq 4.3.4 takes it. Without it, a
// consumer in which nobody answers for the domain lets everybody in.
constexpr int kEnforceDomain = 93;

void enforce_domain(zmq::socket_t& socket) {
    const int enforced = 1;
    if (zmq_setsockopt(socket.handle(), kEnforceDomain, &enforced, sizeof enforced) != 0) {
        throw zmq::error_t();
    }
}

}  // namespace

void protect(zmq::socket_t& socket, const CurveServer& server, const std::string& endpoint) {
    const bool encrypted = speaks_curve(endpoint);
    socket.set(zmq::sockopt::curve_server, encrypted);
    if (encrypted) {
        socket.set(zmq::sockopt::curve_secretkey, server.secret_key);
    }
    if (server.authenticator != nullptr) {
        socket.set(zmq::sockopt::zap_domain,
                   encrypted ? Authenticator::kCurveDomain : Authenticator::kIpcDomain);
        enforce_domain(socket);
    }
}

}  // namespace blocky
