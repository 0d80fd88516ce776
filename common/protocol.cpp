// Writes requests and replies as text: a value must travel as it was received, which a document
// would not promise.
#include "common/protocol.hpp"

#include <array>
#include <charconv>
#include <functional>
#include <numeric>

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
                                                    {"expired", true},
                                                    {"rejected", false},
                                                    {"sink_failed", true},
                                                    {"shutting_down", true}}};

const CodeInfo& info(ErrorCode code) {
    return kCodes.at(static_cast<std::size_t>(code));
}

// About as many as it takes, to allocate once.
std::size_t request_bytes(const PushRequest& request) {
    return request.value.size() + request.producer.size() + request.id.size() + 64;
}

// `member` is the name with its comma, quotes and colon. An empty text is not given.
void append_text(std::string& json, std::string_view member, std::string_view text) {
    if (!text.empty()) {
        json += member;
        append_json_string(json, text);
    }
}

void append_deadline(std::string& json, std::chrono::milliseconds deadline) {
    if (deadline.count() > 0) {
        json += ",\"deadline_ms\":" + std::to_string(deadline.count());
    }
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

}  // namespace

std::string_view to_string(ErrorCode code) {
    return info(code).name;
}

bool is_retryable(ErrorCode code) {
    return info(code).retry;
}

std::string encode(const PushRequest& request) {
    std::string json;
    json.reserve(request_bytes(request));
    json.append("{\"value\":").append(request.value);
    append_text(json, ",\"producer\":", request.producer);
    append_text(json, ",\"id\":", request.id);
    append_deadline(json, request.deadline);
    json += '}';
    return json;
}

std::string encode_bundle(std::string_view producer, std::chrono::milliseconds deadline,
                          std::span<const PushRequest> messages) {
    std::string json;
    json.reserve(std::transform_reduce(messages.begin(), messages.end(), std::size_t{200},
                                       std::plus<>(), request_bytes));
    append_text(json, ",\"producer\":", producer);
    append_deadline(json, deadline);
    json += ",\"messages\":[";
    for (const auto& message : messages) {
        json.append(json.back() == '[' ? "{\"value\":" : ",{\"value\":").append(message.value);
        append_text(json, ",\"id\":", message.id);
        json += '}';
    }
    json += "]}";
    json.front() = '{';  // for the comma of whichever member came first
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

}  // namespace blocky
