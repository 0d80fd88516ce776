// Whether the consumers let this producer in. One that is away, or goes away, is waited for; one
// that is there and says no will say so again, and is not.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "producer/monitored_socket.hpp"
#include "producer/push.hpp"

namespace blocky {

// Owned and touched by the client's thread.
class Access {
public:
    // Which must outlive it.
    explicit Access(const ClientOptions& options);

    // What has happened to the connection to that one of the endpoints. True when it refuses, so
    // that the next one should be tried. May ask it something, which takes a second at most.
    bool refused(const ConnectionEvents& events, std::size_t endpoint);

    // When every consumer has refused since there was a connection: what the latest one said, a
    // sentence. Forgets it.
    std::optional<std::string> take_refusal();

private:
    struct Consumer {
        bool refuses = false;
        unsigned cuts = 0;  // handshakes that it has broken off, one after the other
    };

    HandshakeFailure reason_of_cut(std::size_t endpoint);
    std::string sentence(HandshakeFailure failure, const std::string& endpoint) const;

    const ClientOptions& options_;
    std::vector<Consumer> consumers_;  // as the endpoints
    std::string latest_;
};

}  // namespace blocky
