// ZeroMQ endpoints as users give them: checked before ZeroMQ sees them, so that an error can name
// the option and say what it accepts.
#pragma once

#include <string>
#include <string_view>

namespace blocky {

inline constexpr std::string_view kEndpointForm = "tcp://ADDRESS:PORT or ipc://PATH";

// tcp://HOST:PORT or ipc://PATH, complete enough to connect to. A `bind` may also leave the host
// (`*`) or the port (`*`, `0`) open.
bool is_endpoint(std::string_view endpoint, bool for_bind);

// Whether only this machine can reach it: ipc, or tcp on 127.0.0.0/8, [::1], localhost or lo.
bool is_local(std::string_view endpoint);

// Whether CURVE, if there is any, is spoken there: on tcp. An ipc socket has its mode.
bool speaks_curve(std::string_view endpoint);

// The path of an ipc endpoint that is a file; empty for tcp and for abstract names (ipc://@name).
std::string socket_file(std::string_view endpoint);

// ZeroMQ must be told to speak IPv6; it then binds `*` to both families.
bool is_ipv6(std::string_view endpoint);

}  // namespace blocky
