// What is said of keys that were refused: each once, whoever comes how often. However many keys a
// stranger makes up, only some lines a second are written and only some keys remembered. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "common/clock.hpp"

namespace blocky {

class RefusedKeys {
public:
    static constexpr std::size_t kRemembered = 1000;
    static constexpr std::size_t kLinesAtOnce = 10;
    static constexpr Duration kLineEvery = std::chrono::seconds(1);

    // A key, as text, was refused; the line to log, if any.
    std::optional<std::string> refused(const std::string& key, std::string_view address,
                                       TimePoint now);
    // The list of allowed keys is another one: what is refused now is worth a line again.
    void forget();

private:
    bool take_line(TimePoint now);
    void remember(const std::string& key);

    std::unordered_set<std::string> said_;
    std::deque<std::string> oldest_first_;  // the same
    std::size_t lines_ = kLinesAtOnce;      // that may be written now
    TimePoint next_line_;                   // when there will be one more
    std::uint64_t unsaid_ = 0;              // refusals that got no line, since the last one
};

}  // namespace blocky
