// Any text as an endpoint: what is accepted is on one line, reaches ZeroMQ whole, and is called
// local only if other machines cannot reach it.
#include "common/endpoint.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/fuzz/demand.hpp"

namespace blocky::fuzz {
namespace {

constexpr std::string_view kTcp = "tcp://";

// By inet_pton, and by the two names that ZeroMQ or we take for the loopback interface.
bool is_loopback(const std::string& host) {
    in_addr four{};
    if (inet_pton(AF_INET, host.c_str(), &four) == 1) {
        return (ntohl(four.s_addr) & 0xFF000000U) == 0x7F000000U;
    }
    return host == "localhost" || host == "lo" || host == "[::1]";
}

void check(std::string_view text) {
    const bool binds = is_endpoint(text, true);
    const bool connects = is_endpoint(text, false);
    const auto file = socket_file(text);
    demand(!connects || binds, "what can be connected to can be bound");
    demand(is_ipv6(text) <= text.starts_with("tcp://["), "IPv6 stands in brackets");
    if (!binds) {
        return;
    }
    demand(std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7F; }),
           "an endpoint has no control characters");
    if (text.starts_with("ipc://")) {
        demand(is_local(text), "an ipc endpoint is local");
        demand(file.empty() == (text[6] == '@' || text == "ipc://*"), "a path is a socket's file");
        demand(file.empty() || file == text.substr(6), "the whole path is the socket's file");
        return;
    }
    demand(text.starts_with(kTcp), "an endpoint is tcp or ipc");
    const auto colon = text.rfind(':');
    const std::string host(text.substr(kTcp.size(), colon - kTcp.size()));
    demand(is_local(text) == is_loopback(host), "loopback alone is local");
    demand(file.empty(), "tcp has no file");
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    blocky::fuzz::check(blocky::fuzz::text_of(data, size));
    return 0;
}
