// The consumer without its sockets, threads and clocks: the real Reception, Batcher and Settler,
// turned in virtual time as consumer/router.cpp turns them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "consumer/batcher.hpp"
#include "consumer/gate.hpp"
#include "consumer/metrics.hpp"
#include "consumer/reception.hpp"
#include "consumer/settler.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/chance.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/referee.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/virtual_sink.hpp"

namespace blocky::simulation {

// One run of it.
class VirtualConsumer {
public:
    VirtualConsumer(const Scenario& scenario, Chance& chance, Agenda& agenda, Network& network,
                    Referee& referee, VirtualSink& sink);

    void turn();
    // What is held is processed and answered, then it is done.
    void drain();
    bool done() const { return done_; }
    bool idle() const { return batcher_.idle() && incoming_.empty(); }
    std::uint64_t number() const { return number_; }

private:
    // A batch that is with the sink, and what will have become of it.
    struct InSink {
        std::vector<Verdict> verdicts;
        TimePoint ready_at;
    };

    void arrived(const std::string& connection, const std::string& tag, const std::string& body);
    void admit();
    void take_result();
    void dispatch();
    void plan_turn(TimePoint when);

    const Scenario& scenario_;
    Chance& chance_;
    Agenda& agenda_;
    Network& network_;
    Referee& referee_;
    VirtualSink& sink_;
    Gate gate_{nullptr};
    Metrics metrics_;
    Batcher batcher_;
    Reception reception_;
    TimePoint sink_clock_;
    Settler settler_;
    std::uint64_t number_;
    std::vector<Incoming> incoming_;
    std::vector<std::string> ended_;  // connections, since the last turn
    std::set<std::string> gone_;      // those before, too
    std::optional<InSink> in_sink_;
    std::optional<TimePoint> next_turn_;
    bool draining_ = false;
    bool done_ = false;
};

}  // namespace blocky::simulation
