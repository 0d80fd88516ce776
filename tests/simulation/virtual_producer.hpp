// A producer in virtual time, as any client may be: it sends again what has no answer, over the old
// connection or a new one, or at once and twice; it dies and comes back with the same ids.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/received_reply.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/chance.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/referee.hpp"
#include "tests/simulation/scenario.hpp"

namespace blocky::simulation {

class VirtualProducer {
public:
    VirtualProducer(std::uint64_t number, const Scenario& scenario, Chance& chance, Agenda& agenda,
                    Network& network, Referee& referee);

    void start() { pump(); }
    void calm_down() { is_calm_ = true; }
    // Every message has its answer, or none that can be known.
    bool done() const { return open_ == 0; }
    std::string describe() const;

private:
    struct Message {
        Item item;
        std::uint64_t deadline_ms = 0;
        bool in_flight = false;  // sent, and waits for a reply
        bool settled = false;
        std::uint64_t tries = 0;
    };
    using Indices = std::vector<std::size_t>;

    void pump();
    void send(const Indices& messages);
    void put_on_the_way(const Indices& messages);
    void after_sending(const Indices& messages);
    std::string body_of(const Indices& messages) const;
    bool connect();
    void received(const std::string& tag, const std::string& body);
    void settle(std::size_t index, const ReceivedReply& reply);
    void timed_out(const Indices& messages, const std::vector<std::uint64_t>& tries);
    void connection_broke();
    void come_back();
    void try_again(std::size_t index, Duration delay);
    void give_up(std::size_t index);

    std::uint64_t number_;
    const Scenario& scenario_;
    Chance& chance_;
    Agenda& agenda_;
    Network& network_;
    Referee& referee_;
    bool is_calm_ = false;
    bool pump_planned_ = false;
    std::vector<Message> messages_;
    std::size_t open_;
    std::uint64_t requests_ = 0;
    std::map<std::string, Indices> sent_;  // by tag, of this life
    std::shared_ptr<Connection> connection_;
};

}  // namespace blocky::simulation
