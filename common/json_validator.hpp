// Says whether a text is JSON as a whole, which is what lets JsonScanner walk over it unchecked.
// simdjson answers for nearly all bodies; what it does not accept goes on to nlohmann_json, which
// has the final word and says what is wrong. Owned by one thread, and reused for all its texts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace blocky {

class JsonValidator {
public:
    JsonValidator();
    ~JsonValidator();
    JsonValidator(const JsonValidator&) = delete;
    JsonValidator& operator=(const JsonValidator&) = delete;

    // Why `text` is not one JSON value (RFC 8259; numbers within a double; no byte-order mark), in
    // at most 200 bytes; nothing when it is one. Total, linear in time and memory, no recursion.
    // Keeps about 20 bytes for each byte of the longest text so far.
    std::optional<std::string> problem_with(std::string_view text);

private:
    struct Fast;  // keeps the library's 30,000 lines out of this header

    std::unique_ptr<Fast> fast_;
};

}  // namespace blocky
