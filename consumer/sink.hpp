// Where batches go. A sink takes a batch and returns when it is as durable as this sink promises:
// `ok` to a producer means that and nothing less.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/protocol.hpp"
#include "consumer/batch.hpp"

namespace blocky {

// What the batch log says of a batch.
struct Summary {
    std::string json;  // the member `summary`: a JSON value
    std::string text;  // "Adding 10 numbers ✅ Total is 10 🧮"
};

class Sink {
public:
    Sink() = default;
    virtual ~Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    // Called from the worker's thread only. Makes the batch durable, or fails as a whole: after a
    // transient failure the worker calls again with the same batch, after a permanent one with
    // its halves, so a sink must not keep a message twice that has the same id.
    virtual BatchResult process(const Batch& batch) = 0;

    // Called from the router's thread while process() may run in the worker's: neither this nor
    // summarize() may touch what process() changes.
    // Why this message could never be processed; nothing when it could.
    virtual std::optional<std::string> objection_to(const PushRequest& request) const = 0;

    // Whether process() is so quick, and can neither block nor fail, that the router may call it in
    // its own turn: that saves two hand-overs between threads per batch.
    virtual bool is_inline() const { return false; }

    // Called from any thread (SIGHUP): before the next batch, files are to be opened anew, because
    // what had their names may have been moved away. Whether this sink has any.
    virtual bool request_reopen() { return false; }

    // Called from either thread. An empty batch, which never comes to process(), has one too.
    virtual Summary summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const = 0;
};

}  // namespace blocky
