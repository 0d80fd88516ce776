// From the bytes of a request body to its messages, or to the refusal that answers it. Total: any
// bytes give one or the other, in time and memory linear in their number and without recursion.
// A validator says whether they are JSON; then one pass of JsonScanner reads what they say.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_validator.hpp"
#include "common/protocol.hpp"

namespace blocky {

// Why a request, or one message of a bundle, is answered with an error.
struct Refusal {
    ErrorCode code;
    std::string message;  // one sentence for a person
    std::string id;       // of the message, as far as it could be decoded; may be empty
};

struct DecodedMessage {
    PushRequest request;             // valid unless refused
    std::size_t bytes = 0;           // of the whole body; inside a bundle of this message's text
    std::optional<Refusal> refusal;  // why this message alone is answered with an error
};

// What one body says. Owned by the caller, who may use one for many bodies: nothing is allocated
// for a body like those before it.
struct DecodedBody {
    bool bundle = false;
    std::vector<DecodedMessage> messages;  // unless a bundle, exactly one, never with a refusal
    std::string unescaped;                 // names and ids that have escapes in the body
};

// Owned by one thread, and reused for all bodies.
class RequestDecoder {
public:
    explicit RequestDecoder(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    // Checks in the order of the protocol: size, JSON, `v`, members. Returns what answers the whole
    // body, if it is refused, and then leaves nothing of use in `decoded`. Views in there are valid
    // until it is decoded into again, and while `body` lives.
    std::optional<Refusal> decode(std::string_view body, DecodedBody& decoded);

private:
    std::size_t max_bytes_;
    JsonValidator validator_;
};

}  // namespace blocky
