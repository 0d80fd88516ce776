// The messages of a dead-letter file (--replay), with the ids and producers that they had.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "common/request_decoder.hpp"
#include "producer/line_reader.hpp"
#include "producer/source.hpp"

namespace blocky {

struct ReplaySourceOptions {
    int descriptor = 0;          // stays the caller's; only ever read
    std::string id_prefix;       // with the line's number: the id of a payload that has none
    std::size_t max_line_bytes;  // a longer line is skipped; it holds more than the message
    int stop_descriptor = -1;
};

// One message a line: the request body in its member `payload`. Any other line is skipped, but for
// empty ones. Of a file only what it holds now is read: a consumer may be appending to it, not
// least what is rejected again.
class ReplaySource : public Source {
public:
    explicit ReplaySource(ReplaySourceOptions options);
    Next next() override;
    bool ready() override { return reader_.ready(); }
    int descriptor() const override { return reader_.descriptor(); }
    std::string name(std::uint64_t number) const override;
    std::optional<double> share_done() const override;

private:
    Next message();

    ReplaySourceOptions options_;
    std::optional<std::uint64_t> size_;  // of the input, where it is a file
    LineReader reader_;
    RequestDecoder decoder_;
    DecodedBody decoded_;
    std::string line_;
    std::string id_;            // of a payload that has none
    std::uint64_t number_ = 0;  // of the line
};

}  // namespace blocky
