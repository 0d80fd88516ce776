// The messages of a dead-letter file (--replay), with the ids and producers that they had.
#pragma once

#include <cstddef>
#include <string>

#include "common/request_decoder.hpp"
#include "producer/source.hpp"

namespace blocky {

struct ReplaySourceOptions {
    int descriptor = 0;          // stays the caller's; only ever read
    std::string id_prefix;       // with the line's number: the id of a payload that has none
    std::size_t max_line_bytes;  // a longer line is skipped; it holds more than the message
    int stop_descriptor = -1;
};

// A message is the request body in a line's member `payload`; any other line is skipped. Of a file
// only what it holds now is read: a consumer may be appending to it, not least what is rejected
// again.
class ReplaySource : public LineByLine {
public:
    explicit ReplaySource(ReplaySourceOptions options);

private:
    Next message() override;

    ReplaySourceOptions options_;
    RequestDecoder decoder_;
    DecodedBody decoded_;
    std::string id_;  // of a payload that has none
};

}  // namespace blocky
