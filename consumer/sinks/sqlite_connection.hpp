// One connection to an SQLite file and the statements made on it: libsqlite3's C API with owners
// for its handles, and with errors as values. All of one connection belongs to one thread at a
// time.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace blocky {

// Why a call failed.
struct SqliteError {
    int code = SQLITE_ERROR;  // an extended result code, see https://www.sqlite.org/rescode.html
    std::string text;         // SQLite's own words, and the system's if it was to blame

    bool is(int primary_code) const { return (code & 0xff) == primary_code; }
};

template <typename Value = void>
using SqliteResult = tl::expected<Value, SqliteError>;

// A prepared statement, to be run as often as wanted. Must not outlive its connection.
class SqliteStatement {
public:
    explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

    // Parameters count from 1. Texts are not copied: they must live until the statement has run.
    // What cannot be bound makes the next step() fail.
    void bind(int parameter, std::string_view text);
    void bind(int parameter, std::int64_t number);
    void bind(int parameter, std::nullptr_t null);

    // True: there is a row, whose first column text() gives. False: it is done, and may be run
    // again.
    SqliteResult<bool> step();
    std::string text() const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    void note(int code);

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int bound_ = SQLITE_OK;  // the first failure to bind since the last step
};

// What a column of a table was declared as.
struct SqliteColumn {
    std::string type;
    std::string collation;
};

class SqliteConnection {
public:
    // Makes the file if it is not there. No call waits longer than `patience` for the locks of
    // other connections; then its error is SQLITE_BUSY.
    static SqliteResult<SqliteConnection> open(const std::string& path,
                                               std::chrono::milliseconds patience);

    SqliteResult<> execute(const std::string& sql);
    SqliteResult<SqliteStatement> prepare(const std::string& sql);
    // The first column of the first row; empty if there is none.
    SqliteResult<std::string> query(const std::string& sql);
    std::optional<SqliteColumn> column(const std::string& table, const std::string& name);

    // Moves what is in the write-ahead log to the database file and syncs that, as far as other
    // connections' readers allow. True: all of it.
    SqliteResult<bool> checkpoint();

    bool in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }
    bool is_read_only() const { return sqlite3_db_readonly(connection_.get(), "main") != 0; }
    // Whether the last INSERT added a row.
    bool has_changed() const { return sqlite3_changes(connection_.get()) != 0; }
    // Whether the file has lost its name: whoever opens that now finds another one, or none.
    bool file_is_gone() const;
    // By its name, whoever has that now.
    std::string log_path() const;
    // False: others have the file open, or the log could not be moved into it, and is still there.
    // True: the log is gone, and nothing more can be done with this connection than to close it.
    bool delete_log();

private:
    struct Close {
        // _v2: a statement that is still there is no reason to leave the file open for ever.
        void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
    };
    explicit SqliteConnection(sqlite3* connection) : connection_(connection) {}

    std::unique_ptr<sqlite3, Close> connection_;
};

// Between such quotes as SQL reads it, whatever is in it: '"' makes an identifier, '\'' a text.
std::string quoted(std::string_view text, char quote);

}  // namespace blocky
