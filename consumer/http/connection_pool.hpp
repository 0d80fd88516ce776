// The connections of the HTTP server and the threads that serve them, one each: so many at most,
// which are started as they are needed and then stay. When all places are taken, whoever has been
// longest without having asked anything has to go: half a request is how a server like this is
// kept busy for nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "common/clock.hpp"

namespace blocky {

class ConnectionPool {
public:
    struct Connection {
        int descriptor = -1;
        bool served = false;   // by a thread, or still waiting for one
        bool asked = false;    // its request is here
        bool evicted = false;  // does not count any longer
    };
    // Serves one connection to its end; in a thread of the pool. The pool closes the descriptor.
    using Serve = std::function<void(Connection& connection)>;

    ConnectionPool(std::size_t most, Serve serve) : most_(most), serve_(std::move(serve)) {}
    // As end(), with no patience.
    ~ConnectionPool();
    ConnectionPool(const ConnectionPool&) = delete;
    ConnectionPool& operator=(const ConnectionPool&) = delete;

    // Takes the descriptor, or none when all places are taken by who has asked: it is closed then.
    void add(int descriptor);
    // For a Serve: the request is here, so that its connection keeps its place.
    void has_asked(Connection& connection);
    // Waits for so long at most until all are served, cuts the others, and ends the threads.
    void end(Duration patience);

    // Connections that had to go, or got no place.
    std::uint64_t refused() const { return refused_; }
    // One that the system could not give us.
    void count_refused() { ++refused_; }

private:
    bool make_room();
    void start_thread_if_needed();
    void run();
    Connection* next();

    const std::size_t most_;
    const Serve serve_;
    std::atomic<std::uint64_t> refused_{0};

    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<Connection> connections_;  // oldest first; guarded by mutex_, as all below
    std::size_t taken_ = 0;              // places: connections that are not evicted
    std::size_t idle_ = 0;               // threads that wait for one
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace blocky
