// From a verdict to the reply that tells the producer. Pure.
#pragma once

#include <cstddef>

#include "common/protocol.hpp"
#include "consumer/batch.hpp"

namespace blocky {

// The reply for message `index` of a processed batch; its views point into the batch and verdict.
Reply reply_to(const Batch& batch, std::size_t index, const Verdict& verdict);

}  // namespace blocky
