// What the batch log says of a batch whose messages were stored, whichever sink stored them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "consumer/sink.hpp"
#include "consumer/sinks/counted.hpp"

namespace blocky {

struct StoredCounts {
    explicit StoredCounts(const std::vector<Verdict>& verdicts)
        : stored(count(verdicts, Verdict::Kind::kStored)),
          duplicates(count(verdicts, Verdict::Kind::kDuplicate)),
          rejected(count(verdicts, Verdict::Kind::kRejected)) {}

    std::size_t stored;
    std::size_t duplicates;
    std::size_t rejected;

    std::string json() const {
        return fmt::format(R"({{"stored":{},"duplicates":{}}})", stored, duplicates);
    }
    // Stored 1 row, Stored 2 rows; `noun` in the singular.
    std::string words(std::string_view noun) const { return "Stored " + counted(stored, noun); }

private:
    static std::size_t count(const std::vector<Verdict>& verdicts, Verdict::Kind kind) {
        return static_cast<std::size_t>(std::ranges::count(verdicts, kind, &Verdict::kind));
    }
};

// Stored 10 rows in events.db ✅ 1 there already, 2 refused
inline Summary stored_summary(const std::vector<Verdict>& verdicts, std::string_view noun,
                              std::string_view place) {
    const StoredCounts counts(verdicts);
    auto text = fmt::format("{} in {} ✅", counts.words(noun), place);
    if (counts.duplicates > 0) {
        text += fmt::format(" {} there already", counts.duplicates);
    }
    if (counts.rejected > 0) {
        text += fmt::format("{} {} refused", counts.duplicates > 0 ? "," : "", counts.rejected);
    }
    return {counts.json(), std::move(text)};
}

}  // namespace blocky
