// One run of blocky-producer, from the first message to the last: takes them from a source, pushes
// them, one by one or many at a time, and says what became of each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include <zmq.hpp>

#include "common/signals.hpp"
#include "producer/options.hpp"
#include "producer/pace.hpp"
#include "producer/progress.hpp"
#include "producer/push.hpp"
#include "producer/reply_log.hpp"
#include "producer/source.hpp"

namespace blocky {

class PipelinedClient;

class Run {
public:
    // Both must outlive it. Throws UsageError for an input that cannot be opened.
    Run(const ProducerOptions& options, const StopSignal& stop);

    // The exit status.
    int operator()();

private:
    void push_in_lock_step();
    void push_pipelined();
    bool wait_for_turn(PipelinedClient& client);
    void await_same_id(PipelinedClient& client, std::string_view id);
    // What to push now; nothing when there is none, be it for now or for good.
    std::optional<Item> next_item();
    bool done() const { return ended_ || (options_.count && acknowledged_ >= *options_.count); }
    void settle(std::uint64_t number, std::string_view id, const PushResult& result);
    void report(const std::string& name, const std::string& reason);

    const ProducerOptions& options_;
    const StopSignal& stop_;
    ClientOptions client_options_;
    zmq::context_t context_;
    std::unique_ptr<Source> source_;
    ReplyLog log_;
    Progress progress_;
    Pace pace_;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t lost_ = 0;
    std::string barred_;  // why no consumer lets this producer in; empty: one does
    std::unordered_set<std::string> open_ids_;  // in flight, of a replay
    bool ended_ = false;                        // nothing more is to be pushed
};

}  // namespace blocky
