// Reads replies as text: a result may have more digits than a double keeps.
#include "common/received_reply.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/json_scanner.hpp"
#include "common/json_text.hpp"

namespace blocky {
namespace {

// A member of another type than it should have reads as absent; of one that is given twice the last
// counts, as in most readers.
std::string string_of(const JsonToken& token) {
    if (!token.is_string()) {
        return {};
    }
    if (token.text.find('\\') == std::string_view::npos) {
        return std::string(token.inside());
    }
    return nlohmann::json::parse(token.text).get<std::string>();
}

std::uint64_t count_of(const JsonToken& token) {
    std::uint64_t count = 0;
    const auto* const end = token.text.data() + token.text.size();
    const auto [stop, error] = std::from_chars(token.text.data(), end, count);
    return error == std::errc{} && stop == end ? count : 0;
}

std::chrono::milliseconds wait_of(const JsonToken& token) {
    constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);
    const auto count = std::min<std::uint64_t>(count_of(token), kLongest.count());
    return std::chrono::milliseconds(count);
}

// All that any reply may say.
struct Members {
    std::string status;
    ReceivedReply reply;
    std::uint64_t count = 0;
    std::string_view replies;  // the text of the array; empty: there is none
};

void read_error_member(ReceivedReply& reply, std::string_view name, const JsonToken& token) {
    if (name == "code") {
        reply.code = string_of(token);
    } else if (name == "message") {
        reply.message = string_of(token);
    } else if (name == "retry") {
        reply.retry = token.text == "true";
    } else if (name == "retry_after_ms") {
        reply.retry_after = token.is_integer() ? std::optional(wait_of(token)) : std::nullopt;
    }
}

void read_member(Members& members, std::string_view name, const JsonToken& token) {
    auto& reply = members.reply;
    if (name == "status") {
        members.status = string_of(token);
    } else if (name == "id") {
        reply.id = string_of(token);
    } else if (name == "batch") {
        reply.batch = count_of(token);
    } else if (name == "size") {
        reply.size = count_of(token);
    } else if (name == "result") {
        reply.result = token.text;
    } else if (name == "duplicate") {
        reply.duplicate = token.text == "true";
    } else if (name == "count") {
        members.count = count_of(token);
    } else if (name == "replies") {
        members.replies = token.is_array() ? token.text : std::string_view();
    } else {
        read_error_member(reply, name, token);
    }
}

// `object` is known to be JSON.
std::optional<Members> read_members(std::string_view object) {
    if (!JsonScanner(object).value().is_object()) {
        return std::nullopt;
    }
    Members members;
    JsonScanner scanner(object);
    scanner.enter();
    while (scanner.more()) {
        const auto name = string_of(scanner.name());
        read_member(members, name, scanner.value());
    }
    members.reply.ok = members.status == "ok";
    return members;
}

bool is_error(const Members& members) {
    return members.status == "error" && !members.reply.code.empty();
}

// A verdict on one message.
std::optional<ReceivedReply> verdict_of(std::optional<Members> members) {
    if (!members || !(members->reply.ok || is_error(*members))) {
        return std::nullopt;
    }
    return std::move(members->reply);
}

std::vector<ReceivedMember> read_replies(std::string_view array) {
    std::vector<ReceivedMember> replies;
    JsonScanner scanner(array);
    scanner.enter();
    while (scanner.more()) {
        const auto text = scanner.value().text;
        replies.push_back({text, verdict_of(read_members(text))});
    }
    return replies;
}

}  // namespace

std::optional<ReceivedReply> decode_reply(std::string_view body) {
    return is_json(body) ? verdict_of(read_members(body)) : std::nullopt;
}

std::optional<ReceivedBundleReply> decode_bundle_reply(std::string_view body) {
    auto members = is_json(body) ? read_members(body) : std::nullopt;
    if (!members) {
        return std::nullopt;
    }
    if (members->status == "mixed" && !members->replies.empty()) {
        return ReceivedBundleReply{std::nullopt, 0, read_replies(members->replies)};
    }
    const bool is_ok = members->reply.ok && members->count > 0;
    if (!is_ok && !is_error(*members)) {
        return std::nullopt;
    }
    return ReceivedBundleReply{std::move(members->reply), members->count, {}};
}

}  // namespace blocky
