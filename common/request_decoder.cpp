// A SAX handler for nlohmann_json that notes the members of the protocol and where the text of
// `value` stands. Nothing is judged before the whole body has been read: what is wrong with a
// member matters only if the body is JSON and its version is known.
#include "common/request_decoder.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/json_text.hpp"

namespace blocky {
namespace {

// Lets the handler know how far the parser has read: nlohmann_json's SAX events carry no position.
class TrackedIterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    TrackedIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}
    reference operator*() const { return *at_; }
    TrackedIterator& operator++() {
        *reached_ = ++at_;
        return *this;
    }
    TrackedIterator operator++(int) {
        auto before = *this;
        ++*this;
        return before;
    }
    bool operator==(const TrackedIterator& other) const { return at_ == other.at_; }
    bool operator!=(const TrackedIterator& other) const { return at_ != other.at_; }

private:
    const char* at_;
    const char** reached_;
};

enum class Member { kValue, kProducer, kId, kDeadline, kVersion, kOther };
constexpr std::array<std::string_view, 5> kMemberNames{"value", "producer", "id", "deadline_ms",
                                                       "v"};

Member member_named(std::string_view name) {
    const auto* const found = std::ranges::find(kMemberNames, name);
    return static_cast<Member>(found - kMemberNames.begin());
}

constexpr std::size_t kMaxProblemBytes = 200;

bool is_integer(std::string_view number) {
    return number.find_first_of(".eE") == std::string_view::npos;
}

class RequestReader {
public:
    explicit RequestReader(std::string_view body)
        : end_(body.data() + body.size()), reached_(body.data()) {}

    TrackedIterator begin() { return {reached_, &reached_}; }
    TrackedIterator end() { return {end_, &reached_}; }

    tl::expected<PushRequest, Refusal> result(bool is_json);

    // The SAX interface of nlohmann_json.
    using number_integer_t = nlohmann::json::number_integer_t;
    using number_unsigned_t = nlohmann::json::number_unsigned_t;
    using number_float_t = nlohmann::json::number_float_t;
    using string_t = nlohmann::json::string_t;
    using binary_t = nlohmann::json::binary_t;
    bool null() { return scalar(); }
    bool boolean(bool /*value*/) { return scalar(); }
    bool number_integer(number_integer_t /*negative*/) { return integer(0); }
    bool number_unsigned(number_unsigned_t number) { return integer(number); }
    bool number_float(number_float_t number, const string_t& text);
    bool string(string_t& text);
    bool binary(binary_t& /*never in text*/) { return false; }
    bool key(string_t& name);
    bool start_object(std::size_t /*size*/) { return open(true); }
    bool end_object() { return close(); }
    bool start_array(std::size_t /*size*/) { return open(false); }
    bool end_array() { return close(); }
    bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                     const nlohmann::json::exception& error);

private:
    bool at_member(Member member) const { return depth_ == 1 && member_ == member; }
    bool open(bool object);
    bool close();
    bool scalar();
    bool integer(std::uint64_t number);
    void keep_name(std::string& target, string_t& text);
    void end_of_value(const char* end);
    void end_of_number();
    void complain(std::string problem);
    tl::expected<PushRequest, Refusal> refuse(ErrorCode code, std::string message);

    const char* end_;
    const char* reached_;
    std::size_t depth_ = 0;
    bool object_ = false;
    Member member_ = Member::kOther;
    std::array<bool, 6> seen_{};
    const char* value_begin_ = nullptr;
    PushRequest request_;
    std::string json_problem_;
    std::string version_problem_;
    bool version_known_ = true;
    std::string member_problem_;  // the first one
};

bool RequestReader::parse_error(std::size_t /*position*/, const std::string& /*token*/,
                                const nlohmann::json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: …", of which the library's
    // own prefix says nothing to the one who wrote the JSON.
    const std::string_view what = error.what();
    const auto bracket = what.find("] ");
    const auto problem = bracket == std::string_view::npos ? what : what.substr(bracket + 2);
    // It also quotes the last token, which may be as long as the body.
    json_problem_ = problem.substr(0, kMaxProblemBytes);
    return false;
}

bool RequestReader::key(string_t& name) {
    if (depth_ != 1) {
        return true;
    }
    member_ = member_named(name);
    auto& seen = seen_.at(static_cast<std::size_t>(member_));
    if (seen && member_ == Member::kVersion) {
        version_problem_ = "the member \"v\" is given twice";
    } else if (seen && member_ != Member::kOther) {
        complain(fmt::format("the member \"{}\" is given twice", name));
    }
    seen = true;
    if (member_ == Member::kValue) {
        value_begin_ = std::find(reached_, end_, ':');
        // Past the colon and what white space JSON allows there; the parser checks both.
        value_begin_ = std::find_if(std::min(value_begin_ + 1, end_), end_, [](char character) {
            return std::string_view(" \t\r\n").find(character) == std::string_view::npos;
        });
    }
    return true;
}

bool RequestReader::open(bool object) {
    if (depth_ == 0) {
        object_ = object;
    } else if (depth_ == 1 && member_ != Member::kValue) {
        scalar();
    }
    ++depth_;
    if (member_ == Member::kValue && depth_ > kMaxDepth + 1) {
        complain(fmt::format("the value is nested deeper than {}", kMaxDepth));
    }
    return true;
}

bool RequestReader::close() {
    --depth_;
    if (at_member(Member::kValue)) {
        end_of_value(reached_);
    }
    return true;
}

// What a scalar that is neither a string nor a number, an object or an array means where it stands.
bool RequestReader::scalar() {
    if (depth_ != 1) {
        return true;
    }
    switch (member_) {
        case Member::kValue:
            end_of_value(reached_);
            break;
        case Member::kProducer:
            complain("\"producer\" is not a string");
            break;
        case Member::kId:
            complain("\"id\" is not a string");
            break;
        case Member::kDeadline:
            complain("\"deadline_ms\" is not an integer over 0");
            break;
        case Member::kVersion:
            version_problem_ = "\"v\" is not an integer";
            break;
        case Member::kOther:
            break;
    }
    return true;
}

// Integers below 1 all come as 0: the protocol makes no difference between them.
bool RequestReader::integer(std::uint64_t number) {
    if (at_member(Member::kValue)) {
        end_of_number();
    } else if (at_member(Member::kVersion)) {
        version_known_ = number == kProtocolVersion;
    } else if (!at_member(Member::kDeadline) || number == 0) {
        return scalar();
    }
    return true;
}

bool RequestReader::number_float(number_float_t number, const string_t& text) {
    if (at_member(Member::kValue)) {
        end_of_number();
        return true;
    }
    // An integer beyond 64 bits arrives here too.
    return is_integer(text) ? integer(number > 0 ? ~std::uint64_t{0} : 0) : scalar();
}

bool RequestReader::string(string_t& text) {
    if (at_member(Member::kProducer)) {
        keep_name(request_.producer, text);
    } else if (at_member(Member::kId)) {
        keep_name(request_.id, text);
    } else {
        return scalar();
    }
    return true;
}

void RequestReader::keep_name(std::string& target, string_t& text) {
    const auto name = kMemberNames.at(static_cast<std::size_t>(member_));
    if (text.empty() || text.size() > kMaxNameBytes) {
        complain(
            fmt::format("\"{}\" has {} bytes; accepts 1 to {}", name, text.size(), kMaxNameBytes));
    } else if (has_control_character(text)) {
        complain(fmt::format("\"{}\" has a control character in it", name));
    } else {
        target = std::move(text);
    }
}

void RequestReader::end_of_value(const char* end) {
    request_.value = {value_begin_, static_cast<std::size_t>(end - value_begin_)};
}

// The parser has read one character past a number to know that it ends.
void RequestReader::end_of_number() {
    end_of_value(std::find_if(value_begin_, end_, [](char character) {
        return std::string_view("0123456789+-.eE").find(character) == std::string_view::npos;
    }));
}

void RequestReader::complain(std::string problem) {
    if (member_problem_.empty()) {
        member_problem_ = std::move(problem);
    }
}

tl::expected<PushRequest, Refusal> RequestReader::refuse(ErrorCode code, std::string message) {
    return tl::make_unexpected(Refusal{code, std::move(message), std::move(request_.id)});
}

tl::expected<PushRequest, Refusal> RequestReader::result(bool is_json) {
    if (!is_json) {
        request_.id.clear();
        return refuse(ErrorCode::kBadRequest, "the body is not JSON: " + json_problem_);
    }
    if (!object_) {
        return refuse(ErrorCode::kBadRequest, "the body is not a JSON object");
    }
    if (!version_problem_.empty()) {
        return refuse(ErrorCode::kBadRequest, std::move(version_problem_));
    }
    if (!version_known_) {
        return refuse(
            ErrorCode::kUnsupportedVersion,
            fmt::format("this consumer speaks version {} of the protocol only", kProtocolVersion));
    }
    if (!member_problem_.empty()) {
        return refuse(ErrorCode::kBadRequest, std::move(member_problem_));
    }
    if (request_.value.empty()) {
        return refuse(ErrorCode::kBadRequest, "the member \"value\" is missing");
    }
    return std::move(request_);
}

tl::expected<PushRequest, Refusal> refuse_bytes(ErrorCode code, std::string message) {
    return tl::make_unexpected(Refusal{code, std::move(message), {}});
}

}  // namespace

tl::expected<PushRequest, Refusal> decode_request(std::string_view body, std::size_t max_bytes) {
    if (body.size() > max_bytes) {
        return refuse_bytes(ErrorCode::kTooLarge,
                            fmt::format("the body has {} bytes; this consumer takes at most {}",
                                        body.size(), max_bytes));
    }
    // nlohmann_json skips a byte-order mark and takes a NUL for the end; RFC 8259 has neither.
    if (body.starts_with("\xEF\xBB\xBF")) {
        return refuse_bytes(ErrorCode::kBadRequest, "the body starts with a byte-order mark");
    }
    if (body.find('\0') != std::string_view::npos) {
        return refuse_bytes(ErrorCode::kBadRequest, "the body is not JSON: it has a NUL byte");
    }
    RequestReader reader(body);
    const bool is_json = nlohmann::json::sax_parse(reader.begin(), reader.end(), &reader);
    return reader.result(is_json);
}

}  // namespace blocky
