// Who producers are by the keys they connect with. A key that has a name in the list of
// --curve-allow gives it to all that its producers push, whatever they call themselves; and nobody
// else may go by that name. Pure: knows a connection and its key as text; a connection without a
// key came by ipc. Looks a name up once per connection, not per message.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/request_decoder.hpp"
#include "consumer/allow_list.hpp"
#include "consumer/connection_hash.hpp"

namespace blocky {

// Touched by the router's thread only.
class Identities {
public:
    explicit Identities(std::shared_ptr<const AllowList> list) : list_(std::move(list)) {}

    // Another list. Names and permissions follow it from the next message on.
    void follow(std::shared_ptr<const AllowList> list);

    // The first message of a connection came, with that key.
    void meet(std::string_view connection, std::string_view key);
    // The connection has ended.
    void forget(std::string_view connection);
    bool knows(std::string_view connection) const { return identities_.contains(connection); }

    // Gives each message in `body`, which came from there, the name that is verified, or refuses
    // it. Returns what answers the whole body, if nothing of this key is taken any longer. Names
    // are valid until follow().
    std::optional<Refusal> identify(std::string_view connection, DecodedBody& body);
    // The same for a message whose connection has ended.
    std::optional<Refusal> identify_stranger(std::string_view key, DecodedBody& body) const;

private:
    struct Identity {
        std::string key;        // empty: none
        std::string_view name;  // in the list; empty: none
        bool allowed = true;
        std::string claim;  // the latest name that a message gave itself, and may
    };

    void look_up(Identity& identity) const;
    std::optional<Refusal> identify(Identity& identity, DecodedBody& body) const;
    void judge(Identity& identity, DecodedMessage& message) const;

    std::shared_ptr<const AllowList> list_;
    std::unordered_map<std::string, Identity, ConnectionHash, std::equal_to<>> identities_;
};

}  // namespace blocky
