// The parameters of a statement as PostgreSQL reads them in binary form: nothing in them needs an
// escape, whatever bytes a text is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"

namespace blocky {

// Types that are part of every server, by their fixed numbers (pg_type.dat), and of the arrays of
// them.
enum class PostgresType : std::uint32_t {
    kInt8 = 20,
    kText = 25,
    kJson = 114,
    kJsonArray = 199,
    kTextArray = 1009,
    kTimestamptz = 1184,
    kTimestamptzArray = 1185
};

// Eight bytes, the most significant first.
std::string postgres_int8(std::int64_t number);

// Microseconds since 2000, as timestamptz keeps them.
std::string postgres_timestamptz(WallTime time);

// An array of one dimension. The layout is array_recv()'s, in arrayfuncs.c.
class PostgresArray {
public:
    PostgresArray(PostgresType element, std::size_t size);

    // Exactly `size` of them in all.
    void add(std::string_view bytes);
    void add_null();

    std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
};

// Values and types side by side: $1, $2 …
class PostgresParameters {
public:
    void add(PostgresType type, std::string bytes);

    // The views live as long as this does, and until the next add().
    const std::vector<std::uint32_t>& types() const { return types_; }
    std::vector<const char*> values() const;
    std::vector<int> lengths() const;

    // Of all values together.
    std::size_t bytes() const;

private:
    std::vector<std::uint32_t> types_;
    std::vector<std::string> values_;
};

}  // namespace blocky
