// Follows the connections of the ROUTER socket: what its monitor tells and what messages show of
// them becomes who has gone. Within a turn the messages are shown first, then follow() is called: a
// message can be read after its connection has ended.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "common/socket_monitor.hpp"
#include "consumer/connections.hpp"
#include "consumer/metrics.hpp"
#include "consumer/router_socket.hpp"

namespace blocky {

// Owned and touched by the router's thread.
class ConnectionWatch {
public:
    // Of `socket`, which must outlive it. Throws zmq::error_t.
    ConnectionWatch(zmq::context_t& context, zmq::socket_t& socket);

    // Readable when something may have happened; poll(2) is then to be followed by told().
    int descriptor() const { return monitor_.descriptor(); }
    void told(bool readable) { changed_ = readable; }
    // In place of poll(2).
    void look() { changed_ = monitor_.has_event(); }
    // Whether there is anything to follow.
    bool changed() const { return changed_; }

    // A request that was read. Returns whether it is the first of its connection.
    bool show(Request& request);
    // Returns the connections that have ended, and counts those that never came about.
    std::vector<std::string> follow(Metrics& metrics);
    // Whether this connection, of which a request was shown, is still there.
    bool knows(std::string_view connection) const { return connections_.knows(connection); }

private:
    void take(const SocketMonitor::Event& event, Metrics& metrics);

    SocketMonitor monitor_;
    Connections connections_;
    bool changed_ = true;
};

}  // namespace blocky
