// A list under a lock; a connection is shut down by anybody, but closed only by who serves it.
#include "consumer/http/connection_pool.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <system_error>

#include <spdlog/spdlog.h>

namespace blocky {
namespace {

constexpr std::string_view kNoPlace =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n"
    "Cache-Control: no-store\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"
    "too many connections\n";

void refuse(int descriptor) {
    [[maybe_unused]] const auto sent =
        send(descriptor, kNoPlace.data(), kNoPlace.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    close(descriptor);
}

}  // namespace

ConnectionPool::~ConnectionPool() {
    end(Duration::zero());
}

void ConnectionPool::add(int descriptor) {
    const std::lock_guard lock(mutex_);
    if (ending_ || !make_room()) {
        ++refused_;
        refuse(descriptor);
        return;
    }
    ++taken_;
    connections_.push_back({descriptor});
    start_thread_if_needed();
    if (threads_.empty()) {
        connections_.pop_back();
        --taken_;
        ++refused_;
        refuse(descriptor);
    }
    changed_.notify_all();
}

// With mutex_ held. If there is no thread for a connection it waits for one that is busy: evicted
// ones, of which that may come, are about to end.
void ConnectionPool::start_thread_if_needed() {
    const auto waiting = std::ranges::count(connections_, false, &Connection::served);
    if (static_cast<std::size_t>(waiting) <= idle_ || threads_.size() == most_) {
        return;
    }
    try {
        threads_.emplace_back(&ConnectionPool::run, this);
    } catch (const std::system_error& error) {
        spdlog::warn("no thread for an HTTP connection: {}", error.code().message());
    }
}

// With mutex_ held.
bool ConnectionPool::make_room() {
    if (taken_ < most_) {
        return true;
    }
    const auto victim = std::ranges::find_if(
        connections_, [](const auto& each) { return !each.asked && !each.evicted; });
    if (victim == connections_.end()) {
        return false;
    }
    victim->evicted = true;
    --taken_;
    ++refused_;
    shutdown(victim->descriptor, SHUT_RDWR);
    return true;
}

void ConnectionPool::has_asked(Connection& connection) {
    const std::lock_guard lock(mutex_);
    connection.asked = true;
}

void ConnectionPool::end(Duration patience) {
    std::vector<std::thread> threads;
    {
        std::unique_lock lock(mutex_);
        ending_ = true;
        changed_.notify_all();
        changed_.wait_for(lock, patience, [this] { return connections_.empty(); });
        for (const auto& connection : connections_) {
            shutdown(connection.descriptor, SHUT_RDWR);
        }
        threads.swap(threads_);
    }
    for (auto& thread : threads) {
        thread.join();
    }
}

// One that no thread serves yet; nullptr at the end.
ConnectionPool::Connection* ConnectionPool::next() {
    std::unique_lock lock(mutex_);
    while (true) {
        const auto found = std::ranges::find(connections_, false, &Connection::served);
        if (found != connections_.end()) {
            found->served = true;
            return &*found;
        }
        if (ending_) {
            return nullptr;
        }
        ++idle_;
        changed_.wait(lock);
        --idle_;
    }
}

void ConnectionPool::run() {
    while (auto* const connection = next()) {
        serve_(*connection);
        const std::lock_guard lock(mutex_);
        close(connection->descriptor);
        taken_ -= connection->evicted ? 0 : 1;
        connections_.remove_if([connection](const auto& each) { return &each == connection; });
        changed_.notify_all();
    }
}

}  // namespace blocky
