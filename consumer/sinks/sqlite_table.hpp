// The table that an SQLite file keeps messages in: made or checked when it is opened, and written
// one transaction per batch.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "consumer/batch.hpp"
#include "consumer/sinks/sqlite_connection.hpp"

namespace blocky {

// A row per message:
//   id           the message's own, or RUN:N; UNIQUE
//   producer     NULL if it was not given
//   run, batch   which batch of which run of the consumer brought it
//   received_at  when it arrived: UTC with milliseconds, 2026-11-23T11:30:01.000Z, which sorts by
//                time as text does and is what SQLite's date functions take
//   value        JSON text, byte for byte as it came
// A rowid table: without rowids the values would be kept in the order of the ids, which was
// measured to be 6 to 8 times slower. No declared type has "JSON" in it: SQLite would take that
// for a number's and rewrite big ones.
class SqliteTable {
public:
    // Opens the file, makes what is missing of file and table, and refuses a table that lacks a
    // column or would change what it is given. From then on a commit is on disk when it returns:
    // WAL, synchronous=FULL. Waits at most `patience` for the locks of other programs.
    static SqliteResult<SqliteTable> open(const std::string& path, const std::string& table,
                                          std::chrono::milliseconds patience);

    // All of the batch or, after an error, nothing of it. A message whose id is there already,
    // perhaps from earlier in this batch, is a duplicate and changes nothing. One that no row was
    // made of although its id is not there is rejected: a trigger has left it out.
    SqliteResult<std::vector<Verdict>> store(const Batch& batch, const std::string& run);

    SqliteConnection& connection() { return connection_; }

private:
    SqliteTable(SqliteConnection connection, SqliteStatement insert, SqliteStatement find)
        : connection_(std::move(connection)), insert_(std::move(insert)), find_(std::move(find)) {}
    SqliteResult<bool> insert_row(const Message& message, const std::string& id,
                                  std::string_view received_at);
    SqliteResult<> check_duplicates(const Batch& batch, const std::string& run,
                                    std::vector<Verdict>& verdicts);

    SqliteConnection connection_;
    SqliteStatement insert_;  // behind connection_: they go first
    SqliteStatement find_;
};

}  // namespace blocky
