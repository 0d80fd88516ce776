// One line of a JSON Lines file: how a message is written as one, and how its id is found again.
// Pure; the order of the members is what the finding relies on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "consumer/batch.hpp"
#include "consumer/sinks/arrival_times.hpp"

namespace blocky {

// Within so many bytes of its beginning a line has its id: the members before it are short, as
// the protocol bounds them (128 bytes each for `producer` and `id`, which escapes may double).
inline constexpr std::size_t kJsonlHeadBytes = 1024;

// What every line begins with.
inline constexpr std::string_view kJsonlBeginning = R"({"ts":")";

// Writes the lines of one batch.
class JsonlWriter {
public:
    JsonlWriter(std::string_view run, std::uint64_t batch);

    // Appends {"ts":…,"run":…,"batch":…,"producer":…|null,"id":…,"value":…} and a newline. `ts` is
    // when the message was received. The value stays as it came, but that a line break between two
    // of its tokens becomes a space: the line must be one.
    void append(std::string& text, const Message& message, std::string_view id);

private:
    std::string members_;  // run and batch, which all lines share
    ArrivalTimes times_;
};

// The id in a line that JsonlWriter wrote, whose first bytes `head` is; nothing when it did not.
std::optional<std::string> jsonl_id(std::string_view head);

}  // namespace blocky
