// What of a request's head the server lets httplib see: the request line and the few headers that
// mean something here. The rest could only do harm: httplib matches `Range` with a recursive
// std::regex, makes a copy of the body per range, compresses what it sends if asked to, and reads
// bodies that nobody wants.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace blocky {

inline constexpr std::size_t kLongestHead = 16'384;  // bytes; browsers send 1,000, and cookies

// How long the head is that `text` begins with, its empty line included; nothing if that has not
// come yet. Lines end with CR LF, or LF alone as from a person at a terminal.
std::optional<std::size_t> head_size(std::string_view text);

// The head as it goes to httplib: each line ends with CR LF.
std::string relevant_head(std::string_view head);

// Whether a server that only this machine can reach should answer to `host`, the Host header: a
// page of somebody else's, whose name has been made to point here, would otherwise be let read.
bool is_local_host_header(std::string_view host);

}  // namespace blocky
