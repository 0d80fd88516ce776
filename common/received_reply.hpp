// Replies as a producer reads them: to one message, and to a bundle. Only what is understood to the
// letter is an acknowledgement; the rest is for the client to send again.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blocky {

// What a producer makes of a reply. Only `ok` is an acknowledgement.
struct ReceivedReply {
    bool ok = false;
    std::string id;
    std::uint64_t batch = 0;
    std::uint64_t size = 0;
    std::string result;  // JSON text
    bool duplicate = false;
    std::string code;
    std::string message;
    bool retry = false;
    std::optional<std::chrono::milliseconds> retry_after;
};

// Nothing when the body is not a reply to one message: that is no acknowledgement.
std::optional<ReceivedReply> decode_reply(std::string_view body);

// One message's part of a mixed reply.
struct ReceivedMember {
    std::string_view text;               // of its reply object, a view into the body
    std::optional<ReceivedReply> reply;  // nothing: not understood
};

// The reply to a bundle: one verdict for all of it, or one for each of its messages.
struct ReceivedBundleReply {
    std::optional<ReceivedReply> all;     // an ok without an id, or an error
    std::uint64_t count = 0;              // how many messages that ok is for
    std::vector<ReceivedMember> members;  // of a mixed reply, in the order of the bundle
};

// Nothing when the body is not a reply to a bundle. Views are valid while `body` lives.
std::optional<ReceivedBundleReply> decode_bundle_reply(std::string_view body);

}  // namespace blocky
