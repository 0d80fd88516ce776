// simdjson refuses some JSON that is fine: integers beyond 64 bits, and what nests too deep for
// it. It accepts nothing that nlohmann_json refuses, which a property test holds to be true.
#include "common/json_validator.hpp"

#include <algorithm>
#include <bit>

#include <nlohmann/json.hpp>
#include <simdjson.h>

namespace blocky {
namespace {

// Deeper than any request needs: 64 of the value, and what a bundle puts around it.
constexpr std::size_t kFastDepth = 128;
constexpr std::size_t kLeastCapacity = 4096;
constexpr std::size_t kMaxProblemBytes = 200;

// Listens to nlohmann_json's parser for the error only.
struct ErrorListener {
    using number_integer_t = nlohmann::json::number_integer_t;
    using number_unsigned_t = nlohmann::json::number_unsigned_t;
    using number_float_t = nlohmann::json::number_float_t;
    using string_t = nlohmann::json::string_t;
    using binary_t = nlohmann::json::binary_t;
    bool null() { return true; }
    bool boolean(bool /*value*/) { return true; }
    bool number_integer(number_integer_t /*number*/) { return true; }
    bool number_unsigned(number_unsigned_t /*number*/) { return true; }
    bool number_float(number_float_t /*number*/, const string_t& /*text*/) { return true; }
    bool string(string_t& /*text*/) { return true; }
    bool binary(binary_t& /*never in text*/) { return false; }
    bool key(string_t& /*name*/) { return true; }
    bool start_object(std::size_t /*size*/) { return true; }
    bool end_object() { return true; }
    bool start_array(std::size_t /*size*/) { return true; }
    bool end_array() { return true; }
    bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                     const nlohmann::json::exception& error) {
        // "[json.exception.parse_error.101] parse error at line 1, column 2: …", of which the
        // library's own prefix says nothing to the one who wrote the JSON.
        const std::string_view what = error.what();
        const auto bracket = what.find("] ");
        // It also quotes the last token, which may be as long as the text.
        problem = what.substr(bracket == std::string_view::npos ? 0 : bracket + 2)
                      .substr(0, kMaxProblemBytes);
        return false;
    }

    std::string problem;
};

std::optional<std::string> problem_to_nlohmann(std::string_view text) {
    // It skips a byte-order mark and takes a NUL for the end; RFC 8259 has neither.
    if (text.starts_with("\xEF\xBB\xBF")) {
        return "it starts with a byte-order mark";
    }
    if (text.find('\0') != std::string_view::npos) {
        return "it has a NUL byte";
    }
    ErrorListener listener;
    if (nlohmann::json::sax_parse(text, &listener)) {
        return std::nullopt;
    }
    return std::move(listener.problem);
}

}  // namespace

struct JsonValidator::Fast {
    simdjson::dom::parser parser;

    bool accepts(std::string_view text) {
        if (text.empty() || (text.size() > parser.capacity() && !grow(text.size()))) {
            return false;
        }
        return parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
    }

    // In powers of two, so that texts that get longer bit by bit do not allocate each time.
    bool grow(std::size_t size) {
        const auto capacity = std::max(kLeastCapacity, std::bit_ceil(size));
        return parser.allocate(capacity, kFastDepth) == simdjson::SUCCESS &&
               parser.doc.allocate(capacity) == simdjson::SUCCESS;
    }
};

JsonValidator::JsonValidator() : fast_(std::make_unique<Fast>()) {}

JsonValidator::~JsonValidator() = default;

std::optional<std::string> JsonValidator::problem_with(std::string_view text) {
    return fast_->accepts(text) ? std::nullopt : problem_to_nlohmann(text);
}

}  // namespace blocky
