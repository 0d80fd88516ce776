// Remembers what was sent to a stream and never acknowledged: it may be stored or not. As long as
// the stream's duplicate window holds, sending it again settles that; later only reading back does.
// Pure: the caller tells the time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/clock.hpp"

namespace blocky {

// About 150 bytes for each id that was sent in vain and has not come again: a batch that is tried
// again, and with --retry-for what was given up.
class UnansweredIds {
public:
    // When it was first sent, and the last sequence of the stream that was known then: if it is
    // stored, then behind that.
    struct Sent {
        TimePoint first_at;
        std::uint64_t after_sequence = 0;
    };

    // An id that is known already keeps what is known of it.
    void add(std::string_view id, Sent sent);
    // What became of it is known now.
    void remove(std::string_view id);
    // It was looked for, and was not stored by then.
    void was_absent(std::string_view id, Sent then);
    // It was looked for that far.
    void was_absent_up_to(std::string_view id, std::uint64_t sequence);

    // How it was sent, if it was and nobody answered.
    std::optional<Sent> find(std::string_view id) const;
    bool empty() const { return ids_.empty(); }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };
    std::unordered_map<std::string, Sent, Hash, std::equal_to<>> ids_;
};

// Whether that was sent so long ago that the duplicate window may not know it any more when it is
// sent again: more than half the window, for sending takes time, and the clock is another one's.
bool must_be_read_back(const UnansweredIds::Sent& sent, TimePoint now, Duration window);

}  // namespace blocky
