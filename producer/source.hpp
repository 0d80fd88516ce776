// Where the messages come from: a counter, as in the original, or the lines of a file or stdin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "producer/json_id.hpp"
#include "producer/line_reader.hpp"

namespace blocky {

// A message to push; views, valid until the next call of next().
struct Item {
    std::string_view value;  // JSON text
    std::string_view id;
    std::uint64_t number = 0;   // see Source::name
    std::string_view producer;  // of this message alone; empty: whoever this client is
};
// Something that is no message; the run goes on.
struct Skipped {
    std::string name;
    std::string reason;
};
struct EndOfInput {};
struct StopRequested {};

using Next = std::variant<Item, Skipped, EndOfInput, StopRequested>;

// Of a file that is not empty; nothing for a pipe or the like.
std::optional<std::uint64_t> file_size(int descriptor);

class Source {
public:
    Source() = default;
    virtual ~Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    // Blocks until there is one. Throws std::system_error when reading fails.
    virtual Next next() = 0;

    // Whether next() would not wait; if it would, until `descriptor` is readable, at least.
    virtual bool ready() = 0;
    virtual int descriptor() const = 0;

    // "line 17": what a report calls the item of that number.
    virtual std::string name(std::uint64_t number) const = 0;

    // How much of the input next() has handed out, 0 to 1; nothing when the end is not known.
    virtual std::optional<double> share_done() const = 0;
};

// 1, 2, 3 …, without an end. Ids are `id_prefix` and the number.
class CounterSource : public Source {
public:
    explicit CounterSource(std::string id_prefix)
        : id_(std::move(id_prefix)), prefix_bytes_(id_.size()) {}
    Next next() override;
    bool ready() override { return true; }
    int descriptor() const override { return -1; }
    std::string name(std::uint64_t number) const override;
    std::optional<double> share_done() const override { return std::nullopt; }

private:
    std::string id_;
    std::size_t prefix_bytes_;
    std::uint64_t count_ = 0;
};

// Messages that come one a line, numbered by it. Empty lines are none.
class LineByLine : public Source {
public:
    Next next() final;
    bool ready() override { return reader_.ready(); }
    int descriptor() const override { return reader_.descriptor(); }
    std::string name(std::uint64_t number) const override;
    std::optional<double> share_done() const override;

protected:
    enum class Extent { kToTheEnd, kWhatIsThere };  // of a file that others may be appending to

    // The descriptors stay the caller's. A line of more than max_line_bytes is skipped.
    LineByLine(int descriptor, std::size_t max_line_bytes, int stop_descriptor,
               Extent extent = Extent::kToTheEnd);

    // What line() is, which is not empty.
    virtual Next message() = 0;
    Skipped skip(std::string reason) const { return {name(number_), std::move(reason)}; }

    const std::string& line() const { return line_; }
    std::uint64_t number() const { return number_; }

private:
    std::size_t max_line_bytes_;
    std::optional<std::uint64_t> size_;  // of the input, where it is a file
    LineReader reader_;
    std::string line_;
    std::uint64_t number_ = 0;
};

struct LineSourceOptions {
    int descriptor = 0;                   // stays the caller's
    bool raw = false;                     // every line is a string, JSON or not
    std::optional<JsonPointer> id_field;  // else the id is id_prefix and the line's number
    std::string id_prefix;
    std::size_t max_line_bytes = 0;
    int stop_descriptor = -1;
};

// A line that is JSON is sent as it is, any other as a string.
class LineSource : public LineByLine {
public:
    explicit LineSource(LineSourceOptions options);

private:
    Next message() override;

    LineSourceOptions options_;
    std::string value_;  // the line, if it is sent as a string
    std::string id_;
};

}  // namespace blocky
