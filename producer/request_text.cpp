// Copies bytes.
#include "producer/request_text.hpp"

#include <algorithm>

#include "common/json_text.hpp"

namespace blocky {
namespace {

char* append(char* to, std::string_view text) {
    return std::copy(text.begin(), text.end(), to);
}

}  // namespace

void MessageText::assign(std::string_view value, std::string_view id, std::string_view producer) {
    json.assign("{\"value\":").append(value);
    if (!producer.empty()) {
        json += ",\"producer\":";
        append_json_string(json, producer);
    }
    json += ",\"id\":";
    id_at = json.size();
    append_json_string(json, id);
    json += '}';
}

RequestText::RequestText(std::string_view producer, std::chrono::milliseconds deadline) {
    std::string common;  // each with a comma after it
    if (!producer.empty()) {
        common += "\"producer\":";
        append_json_string(common, producer);
        common += ',';
    }
    if (deadline.count() > 0) {
        common += "\"deadline_ms\":" + std::to_string(deadline.count()) + ',';
    }
    bundle_head_ = "{" + common + "\"messages\":[";
    plain_tail_ = "," + common;
    plain_tail_.back() = '}';
}

std::size_t RequestText::plain_bytes(const MessageText& message) const {
    return message.json.size() - 1 + plain_tail_.size();
}

char* RequestText::write_plain(char* to, const MessageText& message) const {
    to = append(to, std::string_view(message.json).substr(0, message.json.size() - 1));
    return append(to, plain_tail_);
}

char* RequestText::begin_bundle(char* to) const {
    return append(to, bundle_head_);
}

char* RequestText::write_member(char* to, const MessageText& message, bool first) {
    if (!first) {
        *to++ = ',';
    }
    return append(to, message.json);
}

char* RequestText::end_bundle(char* to) {
    return append(to, kBundleTail);
}

}  // namespace blocky
