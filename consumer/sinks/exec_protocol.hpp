// What is said between the sink exec and its command: one line of JSON with a batch, one line with
// what became of it. Pure: text in, values out.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/json_validator.hpp"
#include "consumer/batch.hpp"

namespace blocky {

// {"batch":7,"messages":[{"id":"…","producer":"…" or null,"value":…},…]} and a newline. Values are
// as they were received, but for line breaks between tokens, which become spaces.
std::string batch_line(const Batch& batch, const std::string& run);

// Reads {"results":[…]} with one object for each message of `batch`, in order:
//   {"ok":true,"result":…}        processed; `result`, any JSON nested at most 64 deep, is optional
//   {"ok":true,"duplicate":true}  the command had processed this id before
//   {"ok":false,"error":"…"}      rejected
// or {"error":"…","retry":…}, which fails the batch: for good if `retry` is false, else (true, or
// not given) until it is tried again. Either may have "batch", the number that was asked: with any
// other it is no answer. Nothing else tells an answer from one that is left over from the batch
// before, if the two are of the same size. Other members are ignored.
// An error means that it is no answer; it completes "the command …". Total and linear.
tl::expected<BatchResult, std::string> read_answer(std::string_view line, const Batch& batch,
                                                   JsonValidator& validator);

}  // namespace blocky
