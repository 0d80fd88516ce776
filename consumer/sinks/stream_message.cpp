// One message's JSON, and the headers in it.
#include "consumer/sinks/stream_message.hpp"

#include <cstddef>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sodium.h>

namespace blocky {
namespace {

constexpr int kNoMessageFound = 10037;  // a stream that is not found is another error

std::string decoded(const std::string& base64) {
    std::string bytes(base64.size(), '\0');
    std::size_t size = 0;
    const int failed = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()),
                                         bytes.size(), base64.data(), base64.size(), nullptr, &size,
                                         nullptr, sodium_base64_VARIANT_ORIGINAL);
    bytes.resize(failed == 0 ? size : 0);
    return bytes;
}

std::string id_in(const std::string& headers) {
    const auto name = fmt::format("\r\n{}: ", kMsgIdHeader);
    const auto found = headers.find(name);
    if (found == std::string::npos) {
        return {};
    }
    const auto begin = found + name.size();
    return headers.substr(begin, headers.find("\r\n", begin) - begin);
}

}  // namespace

std::optional<StreamMessage> parse_stream_message(std::string_view answer) {
    try {
        const auto json = nlohmann::json::parse(answer);
        if (json.contains("error")) {
            const bool none = json["error"].at("err_code").get<int>() == kNoMessageFound;
            return none ? std::optional(StreamMessage{}) : std::nullopt;
        }
        const auto& message = json.at("message");
        const auto sequence = message.at("seq").get<std::uint64_t>();
        return StreamMessage{sequence, id_in(decoded(message.value("hdrs", "")))};
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

}  // namespace blocky
