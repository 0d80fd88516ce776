// Where the messages come from: a counter, as in the original, or the lines of a file or stdin.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "producer/json_id.hpp"
#include "producer/line_reader.hpp"

namespace blocky {

// A message to push.
struct Item {
    std::string value;  // JSON text
    std::string id;
    std::string name;  // "line 17": what a report calls it
};
// Something that is no message; the run goes on.
struct Skipped {
    std::string name;
    std::string reason;
};
struct EndOfInput {};
struct StopRequested {};

using Next = std::variant<Item, Skipped, EndOfInput, StopRequested>;

class Source {
public:
    Source() = default;
    virtual ~Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    // Blocks until there is one. Throws std::system_error when reading fails.
    virtual Next next() = 0;

    // How much of the input has been read, 0 to 1; nothing when the end is not known.
    virtual std::optional<double> share_done() const = 0;
};

// 1, 2, 3 …, without an end. Ids are `id_prefix` and the number.
class CounterSource : public Source {
public:
    explicit CounterSource(std::string id_prefix) : id_prefix_(std::move(id_prefix)) {}
    Next next() override;
    std::optional<double> share_done() const override { return std::nullopt; }

private:
    std::string id_prefix_;
    std::uint64_t count_ = 0;
};

struct LineSourceOptions {
    int descriptor = 0;                   // stays the caller's
    bool raw = false;                     // every line is a string, JSON or not
    std::optional<JsonPointer> id_field;  // else the id is id_prefix and the line's number
    std::string id_prefix;
    std::size_t max_line_bytes = 0;
    int stop_descriptor = -1;
};

// One message a line: a line that is JSON is sent as it is, any other as a string.
class LineSource : public Source {
public:
    explicit LineSource(LineSourceOptions options);
    Next next() override;
    std::optional<double> share_done() const override;

private:
    Next message(const std::string& name);

    LineSourceOptions options_;
    LineReader reader_;
    std::string line_;
    std::uint64_t number_ = 0;           // of the line
    std::optional<std::uint64_t> size_;  // of the input, where it is a file
};

}  // namespace blocky
