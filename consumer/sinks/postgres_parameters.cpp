// Big-endian numbers and lengths before texts.
#include "consumer/sinks/postgres_parameters.hpp"

#include <chrono>
#include <numeric>
#include <utility>

namespace blocky {
namespace {

constexpr std::chrono::seconds kPostgresEpoch(946'684'800);  // 2000-01-01 in Unix time

void append_big_endian(std::string& bytes, std::uint64_t number, int size) {
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) {
        bytes += static_cast<char>((number >> static_cast<unsigned>(shift)) & 0xFFU);
    }
}

void append_int4(std::string& bytes, std::uint32_t number) {
    append_big_endian(bytes, number, 4);
}

}  // namespace

std::string postgres_int8(std::int64_t number) {
    std::string bytes;
    append_big_endian(bytes, static_cast<std::uint64_t>(number), 8);
    return bytes;
}

std::string postgres_timestamptz(WallTime time) {
    const auto since = time.time_since_epoch() - kPostgresEpoch;
    return postgres_int8(std::chrono::floor<std::chrono::microseconds>(since).count());
}

PostgresArray::PostgresArray(PostgresType element, std::size_t size) {
    append_int4(bytes_, size == 0 ? 0 : 1);  // dimensions
    append_int4(bytes_, 1);                  // there may be nulls
    append_int4(bytes_, static_cast<std::uint32_t>(element));
    if (size > 0) {
        append_int4(bytes_, static_cast<std::uint32_t>(size));
        append_int4(bytes_, 1);  // the first one's index
    }
}

void PostgresArray::add(std::string_view bytes) {
    append_int4(bytes_, static_cast<std::uint32_t>(bytes.size()));
    bytes_ += bytes;
}

void PostgresArray::add_null() {
    append_int4(bytes_, 0xFFFF'FFFFU);
}

void PostgresParameters::add(PostgresType type, std::string bytes) {
    types_.push_back(static_cast<std::uint32_t>(type));
    values_.push_back(std::move(bytes));
}

std::vector<const char*> PostgresParameters::values() const {
    std::vector<const char*> values;
    for (const auto& value : values_) {
        values.push_back(value.data());
    }
    return values;
}

std::vector<int> PostgresParameters::lengths() const {
    std::vector<int> lengths;
    for (const auto& value : values_) {
        lengths.push_back(static_cast<int>(value.size()));
    }
    return lengths;
}

std::size_t PostgresParameters::bytes() const {
    return std::accumulate(
        values_.begin(), values_.end(), std::size_t{0},
        [](std::size_t sum, const std::string& value) { return sum + value.size(); });
}

}  // namespace blocky
