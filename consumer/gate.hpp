// What the router asks about who its producers are: the Authenticator's list and the Identities of
// the connections, put together. Without an Authenticator all of it does nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/request_decoder.hpp"
#include "consumer/authenticator.hpp"
#include "consumer/identities.hpp"
#include "consumer/router_socket.hpp"

namespace blocky {

// Touched by the router's thread only.
class Gate {
public:
    // Null: any key may connect, and no name is verified. Must outlive it.
    explicit Gate(const Authenticator* authenticator);

    // Has the list read again. The file is read by another thread: a turn to come finds it.
    void reload() const;
    // Once a turn, before a message of it is shown: takes a list that is new.
    void follow();

    // The first request of its connection.
    void meet(const Request& request);
    // The connection has ended.
    void forget(std::string_view connection);

    // Gives the messages of a request their verified names; returns what answers all of it, if it
    // is refused.
    std::optional<Refusal> identify(const Request& request, DecodedBody& body);

private:
    const Authenticator* authenticator_;
    std::uint64_t version_ = 0;  // of the list
    std::optional<Identities> identities_;
};

}  // namespace blocky
