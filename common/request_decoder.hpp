// From the bytes of a request body to a message, or to the refusal that answers it. Total: any
// bytes give one or the other, in time and memory linear in their number and without recursion.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/protocol.hpp"

namespace blocky {

// Why a request is answered with an error.
struct Refusal {
    ErrorCode code;
    std::string message;  // one sentence for a person
    std::string id;       // of the request, as far as it could be decoded; may be empty
};

// Checks in the order of the protocol: size, JSON, `v`, members. The value is a view into `body`.
tl::expected<PushRequest, Refusal> decode_request(std::string_view body, std::size_t max_bytes);

}  // namespace blocky
