// Arrivals are planned when something is sent.
#include "tests/simulation/network.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace blocky::simulation {

Network::Network(const Scenario& scenario, Chance& chance, Agenda& agenda)
    : scenario_(scenario), chance_(chance), agenda_(agenda) {}

std::uint64_t Network::open(Consumer consumer) {
    consumer_ = std::move(consumer);
    is_open_ = true;
    return ++run_;
}

void Network::close() {
    is_open_ = false;
    for (const auto& [name, connection] : std::exchange(open_, {})) {
        connection->open = false;
        agenda_.in(way(), connection->broke);
    }
}

std::shared_ptr<Connection> Network::connect() {
    if (!is_open_) {
        return nullptr;
    }
    auto connection = std::make_shared<Connection>();
    connection->name = fmt::format("c{:04}", ++connections_);
    connection->peer = run_;
    open_.emplace(connection->name, connection);
    return connection;
}

void Network::request(const std::shared_ptr<Connection>& connection, const std::string& tag,
                      const std::string& body) {
    const auto number = ++connection->sent;
    if (!connection->open || is_lost()) {
        return;
    }
    connection->up_until = std::max(connection->up_until, agenda_.now() + way());
    agenda_.at(connection->up_until, [this, connection, number, tag, body] {
        if (is_open_ && connection->peer == run_ && number <= connection->arriving) {
            consumer_.request(connection->name, tag, body);
        }
    });
}

void Network::reply(const std::string& connection, const std::string& tag,
                    const std::string& body) {
    const auto found = open_.find(connection);
    if (found == open_.end() || is_lost()) {
        return;
    }
    const auto& to = found->second;
    to->down_until = std::max(to->down_until, agenda_.now() + way());
    agenda_.at(to->down_until, [to, tag, body] {
        if (to->open) {
            to->receive(tag, body);
        }
    });
}

// Of what is on its way, the first so many requests arrive still, some after it was seen that the
// connection has ended.
void Network::cut(const std::shared_ptr<Connection>& connection, bool by_client) {
    if (!connection->open) {
        return;
    }
    connection->open = false;
    connection->arriving = chance_.between(0, connection->sent);
    open_.erase(connection->name);
    agenda_.in(way(), [this, name = connection->name, peer = connection->peer] {
        if (is_open_ && peer == run_) {
            consumer_.ended(name);
        }
    });
    if (!by_client) {
        agenda_.in(way(), connection->broke);
    }
}

}  // namespace blocky::simulation
