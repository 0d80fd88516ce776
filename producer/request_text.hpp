// The text of requests, put together from messages that are encoded once, when they are pushed: a
// message may travel several times, alone or in a bundle, and must not be escaped again each time.
// Says the same as encode() and encode_bundle() of the protocol.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace blocky {

// {"value":…,"id":…}, perhaps with a "producer" between the two, which is a member of a bundle and
// the start of a request.
struct MessageText {
    std::string json;
    std::size_t id_at = 0;  // where the id stands, as a JSON string

    // Takes over the storage it has.
    void assign(std::string_view value, std::string_view id, std::string_view producer = {});
    std::string_view id() const { return std::string_view(json).substr(id_at, id_size()); }

private:
    std::size_t id_size() const { return json.size() - 1 - id_at; }
};

// Sizes are exact, so that a request can be measured first and written into place after.
class RequestText {
public:
    RequestText(std::string_view producer, std::chrono::milliseconds deadline);

    std::size_t plain_bytes(const MessageText& message) const;
    // Without its messages.
    std::size_t empty_bundle_bytes() const { return bundle_head_.size() + kBundleTail.size(); }
    // What a message adds to a bundle that has or has not others before it.
    static std::size_t member_bytes(const MessageText& message, bool first) {
        return message.json.size() + (first ? 0 : 1);
    }

    // Each returns where the text ends.
    char* write_plain(char* to, const MessageText& message) const;
    char* begin_bundle(char* to) const;
    static char* write_member(char* to, const MessageText& message, bool first);
    static char* end_bundle(char* to);

private:
    static constexpr std::string_view kBundleTail = "]}";

    std::string plain_tail_;   // ,"producer":…,"deadline_ms":…}
    std::string bundle_head_;  // {"producer":…,"deadline_ms":…,"messages":[
};

}  // namespace blocky
