// Any bytes as a request body: a refusal or messages, in agreement with nlohmann_json on what is
// JSON, and with the document that it reads on what the messages say.
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/json_text.hpp"
#include "common/protocol.hpp"
#include "common/request_decoder.hpp"
#include "tests/fuzz/demand.hpp"

namespace blocky::fuzz {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxBytes = 1U << 16U;

bool nlohmann_accepts(std::string_view body) {
    // It skips a byte-order mark and takes a NUL for the end; RFC 8259 has neither.
    return !body.starts_with("\xEF\xBB\xBF") && body.find('\0') == std::string_view::npos &&
           Json::accept(body);
}

// A member that stands in the message, or else beside the messages of its bundle.
Json member(const Json& message, const Json& beside, const char* name, const Json& absent) {
    return message.contains(name) ? message[name] : beside.value(name, absent);
}

void check_name(std::string_view name, const Json& expected) {
    demand(name == expected.get<std::string>(), "a name is the document's");
    demand(name.size() <= kMaxNameBytes && !has_control_character(name), "a name is bounded");
}

void check_deadline(std::chrono::milliseconds deadline, const Json& expected) {
    const auto most = static_cast<double>(kLongestDeadline.count());
    const bool too_long = expected.get<double>() > most;
    demand(deadline.count() == (too_long ? kLongestDeadline.count() : expected.get<std::int64_t>()),
           "a deadline is the document's");
}

// What the producer's side writes of a message reads as the same message.
void check_round_trip(const PushRequest& request) {
    RequestDecoder decoder(2 * kMaxBytes);
    DecodedBody decoded;
    const auto body = encode(request);
    demand(!decoder.decode(body, decoded) && !decoded.bundle, "what is written is accepted");
    const auto& again = decoded.messages.front().request;
    demand(again.value == request.value && again.producer == request.producer &&
               again.id == request.id && again.deadline == request.deadline,
           "what is written is read");
}

void check_message(const PushRequest& request, const Json& message, const Json& beside) {
    demand(Json::parse(request.value) == message["value"], "a value is the document's");
    check_name(request.id, message.value("id", Json("")));
    check_name(request.producer, member(message, beside, "producer", ""));
    check_deadline(request.deadline, member(message, beside, "deadline_ms", 0));
    demand(member(message, beside, "v", 1) == 1, "only version 1 is accepted");
    check_round_trip(request);
}

void check_refusal(const Refusal& refusal, bool json) {
    demand(refusal.message.starts_with("the body is not JSON") == !json,
           "what is JSON is nlohmann's to say");
    demand(refusal.code == ErrorCode::kBadRequest ||
               (json && refusal.code == ErrorCode::kUnsupportedVersion),
           "the code of a refusal is one that decoding has");
    Reply reply;
    reply.ok = false;
    reply.id = refusal.id;
    reply.code = refusal.code;
    reply.message = refusal.message;
    const auto text = encode(reply);
    demand(Json::accept(text) && text.size() < 4096, "a refusal is a short reply");
}

void check_bundle(const DecodedBody& decoded, const Json& document) {
    const auto& elements = document["messages"];
    demand(elements.is_array() && decoded.messages.size() == elements.size() && !elements.empty() &&
               elements.size() <= kMaxBundle,
           "a bundle has an answer for each of its messages");
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const auto& message = decoded.messages[i];
        if (message.refusal) {
            check_refusal(*message.refusal, true);
        } else {
            check_message(message.request, elements[i], document);
        }
    }
}

void check(std::string_view body) {
    static RequestDecoder decoder(kMaxBytes);  // as the router does: one for all bodies
    static DecodedBody decoded;
    const bool json = nlohmann_accepts(body);
    if (const auto refusal = decoder.decode(body, decoded)) {
        check_refusal(*refusal, json);
        return;
    }
    demand(json, "what is accepted is JSON");
    const auto document = Json::parse(body);
    demand(decoded.bundle == document.contains("messages"), "`messages` makes a bundle");
    if (decoded.bundle) {
        check_bundle(decoded, document);
    } else {
        demand(decoded.messages.size() == 1 && !decoded.messages.front().refusal,
               "a body that is no bundle is one message");
        check_message(decoded.messages.front().request, document, Json::object());
    }
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto body = blocky::fuzz::text_of(data, size);
    if (body.size() <= blocky::fuzz::kMaxBytes) {
        blocky::fuzz::check(body);
    }
    return 0;
}
