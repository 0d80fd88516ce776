// Knows all that happens in a run, and says when something does that must not: the promises of
// Blocky, one check each.
#pragma once

#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/clock.hpp"
#include "common/received_reply.hpp"
#include "consumer/batch.hpp"
#include "consumer/batcher.hpp"
#include "tests/simulation/scenario.hpp"

namespace blocky::simulation {

// A promise was broken.
class Violation : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// One message of a producer's, by what tells it from all others.
struct Item {
    std::string value;
    std::string id;  // empty: none
};

class Referee {
public:
    explicit Referee(const Scenario& scenario) : scenario_(scenario) {}

    // A request is on its way; `tag` is the frame that tells it apart.
    void sent(const std::string& tag, const std::string& connection, std::vector<Item> items);
    // It came to that run of the consumer.
    void delivered(const std::string& tag, std::uint64_t consumer);
    void connection_ended(const std::string& connection) { ended_.insert(connection); }

    // The consumer sends a reply.
    void replied(const std::vector<std::string>& envelope, std::string_view body, TimePoint now);

    // A batch goes to the sink.
    void dispatched(const Batch& batch, std::uint64_t consumer);
    // The sink has stored a message; it will have, where the time is to come. Throws nothing: the
    // Settler would take it for a failure of the sink.
    void committed(const Message& message, std::uint64_t batch, TimePoint at);
    // What was to be stored after this moment never will be: its consumer has died.
    void rolled_back(TimePoint after);

    // After each turn.
    void check_turn(const Batcher& batcher) const;
    // Nothing is on its way, and the consumer, which is this run of it, holds nothing.
    void check_end(std::uint64_t consumer) const;

private:
    struct Request {
        std::string connection;
        std::vector<Item> items;
        std::uint64_t delivered_to = 0;  // run of the consumer; 0: lost
        std::uint64_t delivery = 0;      // deliveries are counted
        bool answered = false;
    };
    struct Commit {
        std::uint64_t batch = 0;
        TimePoint at;
    };

    void check_ok(const Item& item, const ReceivedReply& reply, TimePoint now) const;
    void check_one(const Item& item, const ReceivedReply& reply, TimePoint now) const;
    void check_bundle(const Request& request, std::string_view body, TimePoint now) const;
    bool is_superseded(const Request& request) const;

    const Scenario& scenario_;
    std::unordered_map<std::string, Request> requests_;
    std::unordered_map<std::string, std::vector<Commit>> commits_;  // by value
    std::unordered_map<std::string, std::uint64_t> latest_;         // delivery, by id
    std::set<std::string> connections_;
    std::set<std::string> ended_;  // of them
    std::string committed_twice_;  // which message
    std::uint64_t deliveries_ = 0;
    std::uint64_t consumer_ = 0;      // run of it that the next two are of
    std::uint64_t last_batch_ = 0;    // number
    std::uint64_t last_message_ = 0;  // number
};

}  // namespace blocky::simulation
