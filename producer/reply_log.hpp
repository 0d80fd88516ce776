// One line per reply on stdout. A reader that goes away ends the printing, not the pushing.
#pragma once

#include <string>
#include <string_view>

#include "producer/client.hpp"

namespace blocky {

enum class ReplyFormat { kQuiet, kText, kJson };

class ReplyLog {
public:
    explicit ReplyLog(ReplyFormat format) : format_(format) {}

    void acknowledged(std::string_view id, const Acknowledgement& acknowledgement);
    void refused(std::string_view id, const PushFailure& failure);

private:
    void print(std::string line);

    ReplyFormat format_;
    bool broken_ = false;
};

}  // namespace blocky
