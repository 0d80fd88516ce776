// What goes to PostgreSQL byte by byte, and whose fault its errors are. The server itself is in
// tests/process/test_postgres.py.
#include "consumer/sinks/postgres.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "common/command_line.hpp"
#include "consumer/sinks/postgres_error.hpp"
#include "consumer/sinks/postgres_parameters.hpp"
#include "consumer/sinks/postgres_pieces.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using namespace std::string_literals;

std::string refusal_of(const std::string& table, const std::string& conninfo) {
    SinkOptions options;
    options.table = table;
    try {
        const PostgresSink sink(options, conninfo);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

TEST_CASE("a number has its most significant byte first") {
    CHECK(postgres_int8(0x0102'0304'0506'0708) == "\1\2\3\4\5\6\7\10"s);
    CHECK(postgres_int8(-1) == std::string(8, '\xff'));
}

TEST_CASE("a time is microseconds since 2000, before it too") {
    const WallTime epoch(std::chrono::seconds(946'684'800));
    CHECK(postgres_timestamptz(epoch) == postgres_int8(0));
    CHECK(postgres_timestamptz(epoch + 1500us) == postgres_int8(1500));
    CHECK(postgres_timestamptz(epoch - 1ns) == postgres_int8(-1));
}

TEST_CASE("an array has its head, then each element behind its length") {
    PostgresArray array(PostgresType::kText, 3);
    array.add("ab");
    array.add_null();
    array.add("");
    CHECK(array.take() ==
          "\0\0\0\1"s
          "\0\0\0\1"s
          "\0\0\0\x19"s
          "\0\0\0\3"s
          "\0\0\0\1"s
          "\0\0\0\2ab"s
          "\xff\xff\xff\xff"s
          "\0\0\0\0"s);
}

TEST_CASE("an array of nothing has no dimension") {
    PostgresArray array(PostgresType::kJson, 0);
    CHECK(array.take() ==
          "\0\0\0\0"s
          "\0\0\0\1"s
          "\0\0\0\x72"s);
}

TEST_CASE("parameters are handed on with their lengths, whatever is in them") {
    PostgresParameters parameters;
    parameters.add(PostgresType::kText, "a\0b"s);
    parameters.add(PostgresType::kInt8, postgres_int8(7));
    CHECK(parameters.types() == std::vector<std::uint32_t>{25, 20});
    CHECK(parameters.lengths() == std::vector<int>{3, 8});
    CHECK(std::string_view(parameters.values()[0], 3) == "a\0b"s);
    CHECK(parameters.bytes() == 11);
}

TEST_CASE("what is in the rows is to blame for some errors, and the server for others") {
    for (const auto* const state :
         {"22021", "22P05", "23514", "23502", "44000", "54000", "P0001"}) {
        CAPTURE(state);
        CHECK(blame_for(state) == PostgresBlame::kRows);
    }
    for (const auto* const state : {"", "08006", "25006", "28P01", "40001", "40P01", "53100",
                                    "53300", "55P03", "57014", "57P01", "58030", "XX000"}) {
        CAPTURE(state);
        CHECK(blame_for(state) == PostgresBlame::kElse);
    }
}

TEST_CASE("a missing table, a policy and a trigger's own error are told apart by trying") {
    for (const auto* const state :
         {"0A000", "21000", "38000", "42501", "42883", "42P01", "45000", "AB123"}) {
        CAPTURE(state);
        CHECK(blame_for(state) == PostgresBlame::kStatement);
    }
}

TEST_CASE("a batch goes whole until a statement is too slow, then in halves of halves") {
    PostgresPieces pieces;
    pieces.was_stored(100'000, 1h);
    CHECK(pieces.most() > 100'000);
    pieces.was_too_slow(2500, 20s);
    CHECK(pieces.most() == 1250);
    pieces.was_too_slow(1250, 20s);
    CHECK(pieces.most() == 625);
    pieces.was_too_slow(1, 20s);
    CHECK(pieces.most() == 1);
}

TEST_CASE("pieces grow again when they are quick, and only by what has been tried") {
    PostgresPieces pieces;
    pieces.was_too_slow(200, 20s);
    pieces.was_stored(100, 6s);
    pieces.was_stored(99, 1s);  // the last one of a batch
    CHECK(pieces.most() == 100);
    pieces.was_stored(100, 4s);
    CHECK(pieces.most() == 200);
    // Somebody has cancelled one by hand: that says nothing of the time there is.
    pieces.was_too_slow(200, 1ms);
    pieces.was_stored(100, 4s);
    CHECK(pieces.most() == 200);
}

TEST_CASE("a table is a name, or a schema and a name") {
    for (const auto* const table : {"a.b.c", ".a", "a.", ".", "a..b"}) {
        CAPTURE(table);
        CHECK(refusal_of(table, "host=/nowhere").starts_with("--table: got \""));
    }
}

TEST_CASE("a connection string that libpq cannot read is a matter of usage") {
    for (const auto* const conninfo :
         {"secret", "host=a colour=secret", "postgresql://[::1/x", "host='secret"}) {
        CAPTURE(conninfo);
        const auto refusal = refusal_of("messages", conninfo);
        CHECK(refusal.starts_with("--sink: got a connection string"));
    }
}

}  // namespace
}  // namespace blocky::test
