// Any frames as a request: the envelope gives back what it was given up to the delimiter, and there
// is a delimiter only where a client may put one.
#include "consumer/envelope.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "tests/fuzz/demand.hpp"

namespace blocky::fuzz {
namespace {

constexpr std::size_t kLastPlace = 16;  // of the delimiter; the routing id is at 0

// Each after a byte with its size; from 200 on they are long ones.
std::vector<std::string_view> frames_in(std::string_view text) {
    std::vector<std::string_view> frames;
    while (!text.empty()) {
        const auto number = take_number(text);
        const auto size = number < 200 ? number : (number - 199) * 100;
        frames.push_back(text.substr(0, size));
        text.remove_prefix(std::min(size, text.size()));
    }
    return frames;
}

void check_envelope(const Envelope& envelope, const std::vector<std::string_view>& frames,
                    std::size_t delimiter) {
    std::size_t place = 0;
    envelope.for_each([&](std::string_view frame, bool last) {
        demand(frame == frames[place], "a frame comes back as it was");
        demand(last == (place == delimiter), "the delimiter is the last one");
        ++place;
        return true;
    });
    demand(place == delimiter + 1, "all frames come back");
    demand(envelope.connection() == frames[0], "the first frame names the connection");
}

void check(const std::vector<std::string_view>& frames) {
    if (frames.empty() || frames[0].empty()) {
        return;  // ZeroMQ's routing ids are never empty
    }
    const auto found = std::find(frames.begin() + 1, frames.end(), std::string_view());
    const auto delimiter = static_cast<std::size_t>(found - frames.begin());
    const bool answerable = delimiter < frames.size() && delimiter <= kLastPlace;
    const auto after = answerable ? frames.size() - delimiter - 1 : 0;

    RequestFrames request;
    std::size_t bodies = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const bool body = request.add(frames[i]) == RequestFrames::Part::kBody;
        demand(!body || i == delimiter + 1, "the body is behind the delimiter");
        bodies += body ? 1 : 0;
    }
    demand(request.answerable() == answerable, "a delimiter counts among the first frames only");
    demand(request.has_one_body() == (after == 1), "one frame behind the delimiter is a body");
    demand(bodies == std::min<std::size_t>(after, 1), "the first frame behind it is taken");
    if (answerable) {
        check_envelope(request.take_envelope(), frames, delimiter);
    }
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    blocky::fuzz::check(blocky::fuzz::frames_in(blocky::fuzz::text_of(data, size)));
    return 0;
}
