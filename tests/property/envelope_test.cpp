// Envelopes give back the frames that they were given.
#include "consumer/envelope.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/random.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

TEST_CASE("any frames up to the delimiter come back as they were, and only those") {
    Random random;
    for (int i = 0; i < 20'000; ++i) {
        std::vector<std::string> received{random.bytes(random.between(1, 255))};
        for (auto more = random.below(25); more > 0; --more) {
            received.push_back(random.bytes(random.one_in(3) ? 0 : random.below(300)));
        }
        const auto empty = std::find(received.begin() + 1, received.end(), "");
        const auto delimiter = static_cast<std::size_t>(empty - received.begin());
        const bool answerable = delimiter < received.size() && delimiter <= 16;

        RequestFrames frames;
        std::vector<std::string> bodies;
        for (const auto& frame : received) {
            if (frames.add(frame) == RequestFrames::Part::kBody) {
                bodies.push_back(frame);
            }
        }
        REQUIRE(frames.answerable() == answerable);
        REQUIRE(frames.has_one_body() == (answerable && received.size() == delimiter + 2));
        if (answerable) {
            REQUIRE(bodies.size() == (received.size() > delimiter + 1 ? 1 : 0));
            REQUIRE((bodies.empty() || bodies[0] == received[delimiter + 1]));
            const auto envelope = frames.take_envelope();
            received.resize(delimiter + 1);
            REQUIRE(frames_of(envelope) == received);
            REQUIRE(envelope.connection() == received[0]);
        }
    }
}

}  // namespace
}  // namespace blocky::test
