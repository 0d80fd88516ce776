// A database of sorts: slow, down at times, in the habit of doing half of what it is asked, and of
// dying when it is done and before it says so.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "consumer/sink.hpp"
#include "tests/simulation/chance.hpp"
#include "tests/simulation/referee.hpp"
#include "tests/simulation/scenario.hpp"

namespace blocky::simulation {

// Outlives the consumers that use it.
class VirtualSink : public Sink {
public:
    VirtualSink(const Scenario& scenario, Chance& chance, Referee& referee, TimePoint start);

    // What the sink takes passes on this clock: that of the batch, which runs ahead of all others
    // until its result is there.
    void work_by(TimePoint& clock) { clock_ = &clock; }
    // No more failures.
    void calm_down() { is_calm_ = true; }
    // Its consumer has died: what was to be stored after this is not.
    void roll_back(TimePoint after);

    BatchResult process(const Batch& batch) override;
    std::optional<std::string> objection_to(const PushRequest& request) const override;
    Summary summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const override;

private:
    std::vector<Verdict> store(const Batch& batch, std::size_t messages);

    const Scenario& scenario_;
    Chance& chance_;
    Referee& referee_;
    TimePoint* clock_ = nullptr;
    TimePoint down_from_;
    bool is_calm_ = false;
    std::set<std::pair<TimePoint, std::string>> stored_;  // ids, in the order of their commits
    std::set<std::string, std::less<>> ids_;              // the same
};

}  // namespace blocky::simulation
