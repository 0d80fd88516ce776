// Writes requests and replies as text (a value must travel as it was received, which a document
// would not promise), and reads replies the same way: a result may have more digits than a double.
#include "common/protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <nlohmann/json.hpp>

#include "common/json_scanner.hpp"
#include "common/json_text.hpp"

namespace blocky {
namespace {

struct CodeInfo {
    std::string_view name;
    bool retry;
};

// In the order of ErrorCode.
constexpr std::array<CodeInfo, kErrorCodes> kCodes{{{"bad_request", false},
                                                    {"unsupported_version", false},
                                                    {"too_large", false},
                                                    {"busy", true},
                                                    {"rejected", false},
                                                    {"sink_failed", true},
                                                    {"shutting_down", true}}};

const CodeInfo& info(ErrorCode code) {
    return kCodes.at(static_cast<std::size_t>(code));
}

void append_ok(std::string& json, const Reply& reply) {
    if (reply.batch > 0) {
        json += ",\"batch\":" + std::to_string(reply.batch);
        json += ",\"size\":" + std::to_string(reply.size);
    }
    if (!reply.result.empty()) {
        json.append(",\"result\":").append(reply.result);
    }
    if (reply.duplicate) {
        json += ",\"duplicate\":true";
    }
}

void append_error(std::string& json, const Reply& reply) {
    json.append(",\"code\":\"").append(to_string(reply.code)).append("\",\"message\":");
    append_json_string(json, reply.message);
    json += is_retryable(reply.code) ? ",\"retry\":true" : ",\"retry\":false";
    if (reply.retry_after) {
        json += ",\"retry_after_ms\":" + std::to_string(reply.retry_after->count());
    }
}

// A member of another type than it should have reads as absent.
std::string string_of(const JsonToken& token) {
    return token.is_string() ? nlohmann::json::parse(token.text).get<std::string>() : std::string();
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

void read_member(ReceivedReply& reply, std::string& status, std::string_view name,
                 const JsonToken& token) {
    if (name == "status") {
        status = string_of(token);
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
    } else if (name == "code") {
        reply.code = string_of(token);
    } else if (name == "message") {
        reply.message = string_of(token);
    } else if (name == "retry") {
        reply.retry = token.text == "true";
    } else if (name == "retry_after_ms" && token.is_integer()) {
        reply.retry_after = wait_of(token);
    }
}

}  // namespace

std::string_view to_string(ErrorCode code) {
    return info(code).name;
}

bool is_retryable(ErrorCode code) {
    return info(code).retry;
}

std::string encode(const PushRequest& request) {
    std::string json;
    json.reserve(request.value.size() + request.producer.size() + request.id.size() + 40);
    json.append("{\"value\":").append(request.value);
    if (!request.producer.empty()) {
        json += ",\"producer\":";
        append_json_string(json, request.producer);
    }
    if (!request.id.empty()) {
        json += ",\"id\":";
        append_json_string(json, request.id);
    }
    json += '}';
    return json;
}

std::string encode(const Reply& reply) {
    std::string json;
    json.reserve(128);
    json += reply.ok ? "{\"status\":\"ok\"" : "{\"status\":\"error\"";
    if (!reply.id.empty()) {
        json += ",\"id\":";
        append_json_string(json, reply.id);
    }
    if (reply.ok) {
        append_ok(json, reply);
    } else {
        append_error(json, reply);
    }
    json += '}';
    return json;
}

std::optional<ReceivedReply> decode_reply(std::string_view body) {
    if (!is_json(body) || !JsonScanner(body).value().is_object()) {
        return std::nullopt;
    }
    ReceivedReply reply;
    std::string status;
    JsonScanner scanner(body);
    scanner.enter();
    while (scanner.more()) {
        const auto name = string_of(scanner.name());
        read_member(reply, status, name, scanner.value());
    }
    reply.ok = status == "ok";
    if (!reply.ok && (status != "error" || reply.code.empty())) {
        return std::nullopt;
    }
    return reply;
}

}  // namespace blocky
