// Bodies decoded into values that outlive the decoder's views, for tests of one body at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <tl/expected.hpp>

#include "common/request_decoder.hpp"

namespace blocky::test {

struct Decoded {
    std::string value;
    std::string producer;
    std::string id;
    std::chrono::milliseconds deadline{0};
    std::size_t bytes = 0;
    std::optional<Refusal> refusal;
};

inline Decoded owned(const DecodedMessage& message) {
    const auto& [request, bytes, refusal] = message;
    return {std::string(request.value),
            std::string(request.producer),
            std::string(request.id),
            request.deadline,
            bytes,
            refusal};
}

// The one message of a body that is no bundle.
inline tl::expected<Decoded, Refusal> decode_request(std::string_view body, std::size_t limit) {
    RequestDecoder decoder(limit);
    DecodedBody decoded;
    if (const auto refusal = decoder.decode(body, decoded)) {
        return tl::make_unexpected(*refusal);
    }
    REQUIRE_FALSE(decoded.bundle);
    REQUIRE(decoded.messages.size() == 1);
    REQUIRE_FALSE(decoded.messages.front().refusal);
    return owned(decoded.messages.front());
}

// The messages of a bundle.
inline tl::expected<std::vector<Decoded>, Refusal> decode_bundle(std::string_view body) {
    RequestDecoder decoder(1U << 20U);
    DecodedBody decoded;
    if (const auto refusal = decoder.decode(body, decoded)) {
        return tl::make_unexpected(*refusal);
    }
    REQUIRE(decoded.bundle);
    std::vector<Decoded> messages;
    for (const auto& message : decoded.messages) {
        messages.push_back(owned(message));
    }
    return messages;
}

}  // namespace blocky::test
