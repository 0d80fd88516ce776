// Any bytes as a reply, to one message and to a bundle: an acknowledgement only of what says so to
// the letter, and in agreement with the document that nlohmann_json reads.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/json_text.hpp"
#include "common/received_reply.hpp"
#include "tests/fuzz/demand.hpp"

namespace blocky::fuzz {
namespace {

using Json = nlohmann::json;

// A member of another type than it should have reads as absent.
std::string string_in(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint64_t count_in(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

bool is_ok(const Json& object) {
    return string_in(object, "status") == "ok";
}

bool is_error(const Json& object) {
    return string_in(object, "status") == "error" && !string_in(object, "code").empty();
}

void check_reply(const ReceivedReply& reply, const Json& object) {
    demand(reply.ok == is_ok(object), "only `ok` is an acknowledgement");
    demand(reply.id == string_in(object, "id"), "the id is the document's");
    demand(reply.code == string_in(object, "code"), "the code is the document's");
    demand(reply.message == string_in(object, "message"), "the message is the document's");
    demand(reply.batch == count_in(object, "batch"), "the batch is the document's");
    demand(reply.size == count_in(object, "size"), "the size is the document's");
    demand(reply.duplicate == (object.value("duplicate", Json()) == true), "so is `duplicate`");
    demand(reply.retry == (object.value("retry", Json()) == true), "so is `retry`");
    demand(reply.result.empty() != object.contains("result"), "a result that is there is kept");
    demand(reply.result.empty() || Json::parse(reply.result) == object["result"],
           "the result is the document's");
    const auto wait = reply.retry_after.value_or(std::chrono::milliseconds::zero());
    demand(wait.count() >= 0 && wait <= std::chrono::hours(24), "a wait is bounded");
    demand(reply.retry_after.has_value() == object.value("retry_after_ms", Json()).is_number() ||
               object.value("retry_after_ms", Json()).is_number_float(),
           "a wait that is there is kept");
}

void check_members(const ReceivedBundleReply& reply, const Json& object) {
    const auto& replies = object["replies"];
    demand(replies.is_array() && replies.size() == reply.members.size(),
           "a mixed reply has all its members");
    for (std::size_t i = 0; i < replies.size(); ++i) {
        const auto& member = reply.members[i];
        demand(Json::parse(member.text) == replies[i], "a member's text is the document's");
        demand(member.reply.has_value() ==
                   (replies[i].is_object() && (is_ok(replies[i]) || is_error(replies[i]))),
               "a member is understood to the letter");
        if (member.reply) {
            check_reply(*member.reply, replies[i]);
        }
    }
}

void check_bundle_reply(const std::optional<ReceivedBundleReply>& reply, const Json& object) {
    const bool mixed = string_in(object, "status") == "mixed" && object.contains("replies") &&
                       object["replies"].is_array();
    const auto count = count_in(object, "count");
    demand(reply.has_value() == (mixed || is_error(object) || (is_ok(object) && count > 0)),
           "a reply to a bundle is understood to the letter");
    if (!reply) {
        return;
    }
    demand(reply->all.has_value() == !mixed, "one verdict for all, or one for each");
    if (mixed) {
        check_members(*reply, object);
    } else {
        demand(reply->count == count, "the count is the document's");
        check_reply(*reply->all, object);
    }
}

void check(std::string_view body) {
    const auto single = decode_reply(body);
    const auto bundle = decode_bundle_reply(body);
    // The property test and the target `request` hold is_json() against nlohmann_json.
    const auto document = is_json(body) ? Json::parse(body) : Json();
    if (!document.is_object()) {
        demand(!single && !bundle, "what is no object is no reply");
        return;
    }
    demand(single.has_value() == (is_ok(document) || is_error(document)),
           "a reply is understood to the letter");
    if (single) {
        check_reply(*single, document);
    }
    check_bundle_reply(bundle, document);
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    blocky::fuzz::check(blocky::fuzz::text_of(data, size));
    return 0;
}
