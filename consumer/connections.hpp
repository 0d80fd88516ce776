// Which connection is still there. ZeroMQ tells of connections by descriptor and names senders by
// routing id; ZMQ_SRCFD of a message ties the two together. Descriptors are used again at once and
// messages can be read after their connection has ended, so the order of calls within a turn
// matters: all messages are seen first, then all events, then the turn is settled. Pure; touched by
// the router's thread only.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "consumer/connection_hash.hpp"

namespace blocky {

class Connections {
public:
    // Whether a message of this connection has been seen before, and its descriptor is known.
    bool knows(std::string_view connection) const { return descriptors_.contains(connection); }
    // The first message of a connection came through this descriptor.
    void seen(std::string_view connection, int descriptor);

    // What the socket's monitor tells, in its order.
    void accepted(int descriptor);
    void ended(int descriptor);

    // The turn's messages and events are all told. Returns the connections that have ended.
    std::vector<std::string> settle();

private:
    struct Owner {
        std::string connection;
        bool is_new = false;     // was seen in this turn
        bool has_ended = false;  // as far as the events of this turn have been told
    };

    void lose(const std::string& connection);

    std::unordered_map<std::string, int, ConnectionHash, std::equal_to<>> descriptors_;
    std::unordered_map<int, Owner> owners_;  // by descriptor
    std::vector<int> touched_;               // descriptors of this turn
    std::vector<std::string> lost_;          // connections that have ended
};

}  // namespace blocky
