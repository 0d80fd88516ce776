// Adds the numbers of a batch, as the original program does: the sink to try Blocky with. It keeps
// nothing: `ok` means that the number has been added to the total in the batch log.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "consumer/sink.hpp"

namespace blocky {

// Integers are summed exactly in 128 bits. A number with a point or an exponent is a double, and
// makes the total one. A number that would take the total past either is rejected, alone.
class SumSink : public Sink {
public:
    BatchResult process(const Batch& batch) override;
    std::optional<std::string> objection_to(const PushRequest& request) const override;
    bool is_inline() const override { return true; }
    Summary summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const override;
};

}  // namespace blocky
