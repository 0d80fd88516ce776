// One pass over a body that is known to be JSON. What is wrong with a member is noted and judged
// when all have been read, since `v`, which may come last, is judged first. What stands beside
// `messages` is given to each message at the end for the same reason.
#include "common/request_decoder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "common/json_scanner.hpp"
#include "common/json_text.hpp"

namespace blocky {
namespace {

enum class Member { kValue, kProducer, kId, kDeadline, kVersion, kMessages, kOther };
constexpr std::array<std::string_view, 6> kMemberNames{"value",       "producer", "id",
                                                       "deadline_ms", "v",        "messages"};

std::string_view name_of(Member member) {
    return kMemberNames.at(static_cast<std::size_t>(member));
}

// By length first: no two of them but `producer` and `messages` have the same.
Member member_named(std::string_view name) {
    const auto only = [&](Member member) {
        return name == name_of(member) ? member : Member::kOther;
    };
    switch (name.size()) {
        case 1:
            return only(Member::kVersion);
        case 2:
            return only(Member::kId);
        case 5:
            return only(Member::kValue);
        case 8:
            return only(name.front() == 'm' ? Member::kMessages : Member::kProducer);
        case 11:
            return only(Member::kDeadline);
        default:
            return Member::kOther;
    }
}

// What one object says, the body or a message inside a bundle, and what is wrong with it.
struct Reading {
    PushRequest request;
    std::uint32_t seen = 0;  // a bit for each member
    bool version_known = true;
    std::string version_problem;
    std::string problem;  // the first one

    static std::uint32_t bit(Member member) { return 1U << static_cast<std::uint32_t>(member); }
    bool has(Member member) const { return (seen & bit(member)) != 0; }
    void complain(std::string what) {
        if (problem.empty()) {
            problem = std::move(what);
        }
    }
};

// Counts a member of the protocol, of which none may be given twice.
void note(Reading& reading, Member member) {
    const bool twice = member != Member::kOther && reading.has(member);
    reading.seen |= Reading::bit(member);
    auto& problem = member == Member::kVersion ? reading.version_problem : reading.problem;
    // A body may give one a hundred thousand times: it is said once.
    if (twice && problem.empty()) {
        problem = fmt::format("the member \"{}\" is given twice", name_of(member));
    }
}

void read_value(Reading& reading, const JsonToken& token) {
    reading.request.value = token.text;
    if (token.depth > kMaxDepth) {
        reading.complain(fmt::format("the value is nested deeper than {}", kMaxDepth));
    }
}

void read_version(Reading& reading, const JsonToken& token) {
    if (token.is_integer()) {
        reading.version_known = token.text == "1";
    } else if (reading.version_problem.empty()) {
        reading.version_problem = "\"v\" is not an integer";
    }
}

void read_deadline(Reading& reading, const JsonToken& token) {
    constexpr auto kMost = static_cast<std::uint64_t>(kLongestDeadline.count());
    const bool negative = token.text.front() == '-';
    std::uint64_t count = 0;
    if (token.is_integer() && !negative) {
        const auto* const end = token.text.data() + token.text.size();
        const auto error = std::from_chars(token.text.data(), end, count).ec;
        count = error == std::errc::result_out_of_range ? kMost : std::min(count, kMost);
    }
    if (count == 0) {
        reading.complain("\"deadline_ms\" is not an integer over 0");
    }
    reading.request.deadline = std::chrono::milliseconds(count);
}

static_assert(kProtocolVersion == 1, "read_version compares the text");

// Why the object cannot be read as this version of the protocol.
std::optional<Refusal> judge_version(Reading& reading) {
    if (!reading.version_problem.empty()) {
        return Refusal{ErrorCode::kBadRequest, std::move(reading.version_problem),
                       std::string(reading.request.id)};
    }
    if (!reading.version_known) {
        return Refusal{
            ErrorCode::kUnsupportedVersion,
            fmt::format("this consumer speaks version {} of the protocol only", kProtocolVersion),
            std::string(reading.request.id)};
    }
    return std::nullopt;
}

std::optional<Refusal> judge(Reading& reading) {
    if (auto refusal = judge_version(reading)) {
        return refusal;
    }
    if (reading.problem.empty()) {
        return std::nullopt;
    }
    return Refusal{ErrorCode::kBadRequest, std::move(reading.problem),
                   std::string(reading.request.id)};
}

bool is_unsupported(const DecodedMessage& message) {
    return message.refusal && message.refusal->code == ErrorCode::kUnsupportedVersion;
}

Refusal refuse(ErrorCode code, std::string message) {
    return Refusal{code, std::move(message), {}};
}

class BodyReader {
public:
    BodyReader(std::string_view body, DecodedBody& decoded)
        : body_(body),
          scanner_(body),
          bundle_(decoded.bundle),
          messages_(decoded.messages),
          unescaped_(decoded.unescaped) {
        messages_.clear();
        unescaped_.clear();
    }

    std::optional<Refusal> read();

private:
    void read_bundle_member(Member member);
    void read_member(Reading& reading, Member member);
    void read_name(Reading& reading, std::string_view& target, Member member,
                   const JsonToken& token);
    void read_messages();
    void read_message();
    void read_members(Reading& reading);
    std::optional<Refusal> read_bundle();
    void check_bundle();
    void inherit();
    Member next_member() { return member_named(text_of(scanner_.name())); }
    std::string_view text_of(const JsonToken& string);

    std::string_view body_;
    JsonScanner scanner_;
    bool& bundle_;
    std::vector<DecodedMessage>& messages_;
    std::string& unescaped_;
    Reading top_;
    bool inherited_version_known_ = true;
    std::optional<JsonScanner> messages_at_;  // when they are an array
    std::size_t count_ = 0;                   // of messages, those beyond the limit included
};

std::optional<Refusal> BodyReader::read() {
    if (!scanner_.at_object()) {
        return refuse(ErrorCode::kBadRequest, "the body is not a JSON object");
    }
    scanner_.enter();
    while (scanner_.more()) {
        read_bundle_member(next_member());
    }
    bundle_ = top_.has(Member::kMessages);
    if (bundle_) {
        return read_bundle();
    }
    if (!top_.has(Member::kValue)) {
        top_.complain("the member \"value\" is missing");
    }
    if (auto refusal = judge(top_)) {
        return refusal;
    }
    messages_.push_back({top_.request, body_.size(), std::nullopt});
    return std::nullopt;
}

// One of the body itself, where alone `messages` has a meaning.
void BodyReader::read_bundle_member(Member member) {
    const bool first = !top_.has(member);
    if (member != Member::kMessages || !first || !scanner_.at_array()) {
        read_member(top_, member);
        return;
    }
    note(top_, member);
    messages_at_ = scanner_;
    read_messages();
}

void BodyReader::read_member(Reading& reading, Member member) {
    note(reading, member);
    const auto token = scanner_.value();
    switch (member) {
        case Member::kValue:
            return read_value(reading, token);
        case Member::kProducer:
            return read_name(reading, reading.request.producer, member, token);
        case Member::kId:
            return read_name(reading, reading.request.id, member, token);
        case Member::kDeadline:
            return read_deadline(reading, token);
        case Member::kVersion:
            return read_version(reading, token);
        case Member::kMessages:
            return reading.complain("\"messages\" is not an array");
        case Member::kOther:
            return;
    }
}

void BodyReader::read_name(Reading& reading, std::string_view& target, Member member,
                           const JsonToken& token) {
    if (!token.is_string()) {
        return reading.complain(fmt::format("\"{}\" is not a string", name_of(member)));
    }
    const auto text = text_of(token);
    if (text.empty() || text.size() > kMaxNameBytes) {
        reading.complain(fmt::format("\"{}\" has {} bytes; accepts 1 to {}", name_of(member),
                                     text.size(), kMaxNameBytes));
    } else if (has_control_character(text)) {
        reading.complain(fmt::format("\"{}\" has a control character in it", name_of(member)));
    } else {
        target = text;
    }
}

// The elements of the array that starts here.
void BodyReader::read_messages() {
    messages_.clear();
    scanner_.enter();
    for (count_ = 0; scanner_.more(); ++count_) {
        if (count_ < kMaxBundle) {
            read_message();
        } else {
            scanner_.value();
        }
    }
    scanner_.leave();
}

void BodyReader::read_message() {
    Reading reading;
    reading.version_known = inherited_version_known_;
    const bool object = scanner_.at_object();
    const char* const begin = scanner_.position();
    if (object) {
        read_members(reading);
    } else {
        scanner_.value();
        reading.complain("the message is not a JSON object");
    }
    auto& message = messages_.emplace_back();
    message.bytes = static_cast<std::size_t>(scanner_.position() - begin);
    message.refusal = judge(reading);
    message.request = reading.request;
}

// Of a message inside a bundle, where `messages` is a member like any that is ignored.
void BodyReader::read_members(Reading& reading) {
    scanner_.enter();
    while (scanner_.more()) {
        const auto member = next_member();
        read_member(reading, member == Member::kMessages ? Member::kOther : member);
    }
    scanner_.leave();
    if (!reading.has(Member::kValue)) {
        reading.complain("the member \"value\" is missing");
    }
}

std::optional<Refusal> BodyReader::read_bundle() {
    check_bundle();
    // A version that we do not speak holds for the messages that say none of their own. Where that
    // leaves nothing to take, one refusal says it for all.
    if (!top_.version_known && top_.problem.empty()) {
        inherited_version_known_ = false;
        scanner_ = *messages_at_;
        read_messages();
        top_.version_known = !std::ranges::all_of(messages_, is_unsupported);
    }
    if (auto refusal = judge(top_)) {
        return refusal;
    }
    inherit();
    return std::nullopt;
}

void BodyReader::check_bundle() {
    for (const auto member : {Member::kValue, Member::kId}) {
        if (top_.has(member)) {
            top_.complain(fmt::format("\"{}\" stands beside \"messages\"", name_of(member)));
        }
    }
    if (messages_at_ && (count_ == 0 || count_ > kMaxBundle)) {
        top_.complain(
            fmt::format("the bundle has {} messages; accepts 1 to {}", count_, kMaxBundle));
    }
}

// Gives each message what stands beside them and it does not say itself.
void BodyReader::inherit() {
    if (!top_.has(Member::kProducer) && !top_.has(Member::kDeadline)) {
        return;
    }
    for (auto& [request, bytes, refusal] : messages_) {
        if (request.producer.empty()) {
            request.producer = top_.request.producer;
        }
        if (request.deadline.count() == 0) {
            request.deadline = top_.request.deadline;
        }
    }
}

// What a string says. Views into what has been unescaped stay valid: it is given room for all at
// once, and twice, since read_bundle() may read the messages again.
std::string_view BodyReader::text_of(const JsonToken& string) {
    if (!string.escaped) {
        return string.inside();
    }
    if (unescaped_.empty()) {
        unescaped_.reserve(2 * body_.size());
    }
    const auto begin = unescaped_.size();
    append_unescaped(unescaped_, string.inside());
    return std::string_view(unescaped_).substr(begin);
}

}  // namespace

std::optional<Refusal> RequestDecoder::decode(std::string_view body, DecodedBody& decoded) {
    if (body.size() > max_bytes_) {
        return refuse(ErrorCode::kTooLarge,
                      fmt::format("the body has {} bytes; this consumer takes at most {}",
                                  body.size(), max_bytes_));
    }
    if (const auto problem = validator_.problem_with(body)) {
        return refuse(ErrorCode::kBadRequest, "the body is not JSON: " + *problem);
    }
    return BodyReader(body, decoded).read();
}

}  // namespace blocky
