// Which consumer a client talks to, whether it is connected, and when it is time to try the next
// one. Says on stderr when nobody can be reached for long. Knows no socket: it is told.
#pragma once

#include <cstddef>
#include <string>

#include "producer/push.hpp"

namespace blocky {

class Reach {
public:
    // `options` must outlive it.
    Reach(const ClientOptions& options, TimePoint now) : options_(options), since_(now) {}

    const std::string& endpoint() const { return options_.endpoints.at(endpoint_); }
    std::size_t index() const { return endpoint_; }  // among the endpoints
    bool has_other() const { return options_.endpoints.size() > 1; }
    bool connected() const { return connected_; }

    void connection_made();
    void connection_broke(TimePoint now);
    // Warns once when there has been no connection for too long. To be called now and then.
    void complain(TimePoint now);

    // Whether to leave this consumer because there is no connection to it, for another one soon,
    // else for a new try after the timeout.
    bool lost(TimePoint now) const { return !connected_ && now >= since_ + patience(); }
    // How long it waits for a connection before that.
    Duration patience() const;
    // The next consumer, or the only one again.
    void next(TimePoint now);

    // When complain() or lost() has something to say; TimePoint::max() while connected.
    TimePoint due() const;

private:
    const ClientOptions& options_;
    std::size_t endpoint_ = 0;
    bool connected_ = false;
    bool said_unreachable_ = false;
    TimePoint since_;  // when it started to connect
};

}  // namespace blocky
