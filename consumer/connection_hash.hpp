// Hashes ZeroMQ's names of connections, which are looked up for every message: five bytes, of which
// the last four count up from a random start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

namespace blocky {

// For maps by connection; finds by std::string_view, too.
struct ConnectionHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view connection) const {
        std::uint32_t tail = 0;
        if (connection.size() < sizeof tail) {
            return std::hash<std::string_view>()(connection);
        }
        std::memcpy(&tail, connection.data() + connection.size() - sizeof tail, sizeof tail);
        return tail * 0x9E3779B97F4A7C15U >> 20U;
    }
};

}  // namespace blocky
