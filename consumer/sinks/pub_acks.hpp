// Where the answers to publications meet: a thread of the NATS library brings them one by one and
// in any order, the sink's thread waits for all. Knows nothing of either's calls.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/clock.hpp"
#include "consumer/sinks/jetstream.hpp"

namespace blocky {

class PubAcks {
public:
    // Begins anew. The publications must stay until take(); no two of them may have the same id.
    void expect(const std::vector<Publication>& publications);

    // From any thread. The first answer counts; one for an unknown id is none.
    void note(std::string_view id, PubAck ack);

    // Whether one was left unanswered: the others would be too.
    bool hopeless();

    // Waits until so many have come; false: not by then.
    bool wait(std::size_t count, TimePoint deadline);

    // One for each expected publication, in order; what has none is kUnanswered, with the reason of
    // the first that has one, else `reason`.
    std::vector<PubAck> take(std::string_view reason);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::unordered_map<std::string_view, std::size_t> open_;  // guarded by mutex_, as all below
    std::vector<PubAck> acks_;
    std::size_t answers_ = 0;
    bool hopeless_ = false;
};

}  // namespace blocky
