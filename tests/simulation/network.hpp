// Connections in virtual time. What was sent first arrives first, on one connection: that is all
// that ZeroMQ promises. A request that is on its way when its connection breaks is lost or not.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/chance.hpp"
#include "tests/simulation/scenario.hpp"

namespace blocky::simulation {

// What a client has in its hands.
struct Connection {
    std::string name;        // as ZeroMQ calls it
    std::uint64_t peer = 0;  // the run of the consumer that it leads to
    bool open = true;
    std::function<void(const std::string& tag, const std::string& body)> receive;
    std::function<void()> broke;

    TimePoint up_until;    // the latest arrival, of requests
    TimePoint down_until;  // and of replies
    std::uint64_t sent = 0;
    std::uint64_t arriving = std::numeric_limits<std::uint64_t>::max();  // requests up to this one
};

class Network {
public:
    // Where requests arrive, and where it is seen that a connection has ended.
    struct Consumer {
        std::function<void(const std::string& connection, const std::string& tag,
                           const std::string& body)>
            request;
        std::function<void(const std::string& connection)> ended;
    };

    Network(const Scenario& scenario, Chance& chance, Agenda& agenda);

    // A run of the consumer begins; its number.
    std::uint64_t open(Consumer consumer);
    // It has ended, and with it all connections.
    void close();
    // Whether that run has not ended.
    bool is_run(std::uint64_t number) const { return is_open_ && run_ == number; }

    // Null while there is no consumer.
    std::shared_ptr<Connection> connect();
    void request(const std::shared_ptr<Connection>& connection, const std::string& tag,
                 const std::string& body);
    void reply(const std::string& connection, const std::string& tag, const std::string& body);
    // The client sees it at once if it was its doing, else after a while.
    void cut(const std::shared_ptr<Connection>& connection, bool by_client);
    void calm_down() { is_calm_ = true; }

private:
    Duration way() { return chance_.between(Duration(1), scenario_.way); }
    bool is_lost() { return !is_calm_ && chance_.one_in(scenario_.lost_one_in); }

    const Scenario& scenario_;
    Chance& chance_;
    Agenda& agenda_;
    bool is_calm_ = false;
    Consumer consumer_;
    std::uint64_t run_ = 0;
    bool is_open_ = false;
    std::uint64_t connections_ = 0;
    std::map<std::string, std::shared_ptr<Connection>> open_;
};

}  // namespace blocky::simulation
