// One line per reply on stdout. A reader that goes away ends the printing, not the pushing.
#pragma once

#include <string>
#include <string_view>

#include "producer/client.hpp"

namespace blocky {

enum class ReplyFormat { kQuiet, kText, kJson };

class ReplyLog {
public:
    // A reader that is slow is waited for, until `stop_descriptor` turns readable; −1: for ever.
    explicit ReplyLog(ReplyFormat format, int stop_descriptor = -1)
        : format_(format), stop_descriptor_(stop_descriptor) {}

    void acknowledged(std::string_view id, const Acknowledgement& acknowledgement);
    void refused(std::string_view id, const PushFailure& failure);

private:
    void print(std::string line);
    bool write_all(std::string_view text) const;

    ReplyFormat format_;
    int stop_descriptor_;
    bool broken_ = false;
};

}  // namespace blocky
