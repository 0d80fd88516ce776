// The calls of libsqlite3, and what they say when they fail.
#include "consumer/sinks/sqlite_connection.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace blocky {
namespace {

// Of the call on this connection that has failed last, before any other call is made on it.
SqliteError error_of(sqlite3* connection, int code) {
    SqliteError error{code, sqlite3_errmsg(connection)};
    const int system_error = connection == nullptr ? 0 : sqlite3_system_errno(connection);
    if (system_error != 0 && (error.is(SQLITE_IOERR) || error.is(SQLITE_CANTOPEN))) {
        error.text += fmt::format(" ({})", std::generic_category().message(system_error));
    } else if (error.is(SQLITE_IOERR)) {
        error.text += fmt::format(" (SQLite's code {})", code);  // a COMMIT tells no more
    }
    if (error.is(SQLITE_BUSY)) {
        error.text += ", by another program";
    }
    return error;
}

auto failure(sqlite3* connection, int code) {
    return tl::make_unexpected(error_of(connection, code));
}

std::string text_or_nothing(const char* text) {
    return text == nullptr ? std::string() : std::string(text);
}

}  // namespace

void SqliteStatement::bind(int parameter, std::string_view text) {
    note(sqlite3_bind_text64(statement_.get(), parameter, text.data(), text.size(), SQLITE_STATIC,
                             SQLITE_UTF8));
}

void SqliteStatement::bind(int parameter, std::int64_t number) {
    note(sqlite3_bind_int64(statement_.get(), parameter, number));
}

void SqliteStatement::bind(int parameter, std::nullptr_t /*null*/) {
    note(sqlite3_bind_null(statement_.get(), parameter));
}

void SqliteStatement::note(int code) {
    if (bound_ == SQLITE_OK) {
        bound_ = code;
    }
}

SqliteResult<bool> SqliteStatement::step() {
    if (const int bound = std::exchange(bound_, SQLITE_OK); bound != SQLITE_OK) {
        return tl::make_unexpected(SqliteError{bound, sqlite3_errstr(bound)});
    }
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) {
        return true;
    }
    SqliteResult<bool> result = false;
    if (code != SQLITE_DONE) {
        result = failure(sqlite3_db_handle(statement_.get()), code);
    }
    sqlite3_reset(statement_.get());
    return result;
}

std::string SqliteStatement::text() const {
    const auto* const text = sqlite3_column_text(statement_.get(), 0);
    return text_or_nothing(reinterpret_cast<const char*>(text));
}

SqliteResult<SqliteConnection> SqliteConnection::open(const std::string& path,
                                                      std::chrono::milliseconds patience) {
    sqlite3* handle = nullptr;
    // One thread at a time needs no mutex of SQLite's.
    const int code =
        sqlite3_open_v2(path.c_str(), &handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    SqliteConnection connection(handle);
    if (code != SQLITE_OK) {
        return failure(handle, code);
    }
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, static_cast<int>(patience.count()));
    return connection;
}

SqliteResult<> SqliteConnection::execute(const std::string& sql) {
    const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return failure(connection_.get(), code);
    }
    return {};
}

SqliteResult<SqliteStatement> SqliteConnection::prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(connection_.get(), sql.c_str(), -1,
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) {
        return failure(connection_.get(), code);
    }
    return SqliteStatement(statement);
}

SqliteResult<std::string> SqliteConnection::query(const std::string& sql) {
    auto statement = prepare(sql);
    if (!statement) {
        return tl::make_unexpected(statement.error());
    }
    return statement->step().map(
        [&](bool found) { return found ? statement->text() : std::string(); });
}

std::optional<SqliteColumn> SqliteConnection::column(const std::string& table,
                                                     const std::string& name) {
    const char* type = nullptr;
    const char* collation = nullptr;
    const int code =
        sqlite3_table_column_metadata(connection_.get(), "main", table.c_str(), name.c_str(), &type,
                                      &collation, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return std::nullopt;
    }
    return SqliteColumn{text_or_nothing(type), text_or_nothing(collation)};
}

SqliteResult<bool> SqliteConnection::checkpoint() {
    int in_log = 0;
    int moved = 0;
    const int code = sqlite3_wal_checkpoint_v2(connection_.get(), "main", SQLITE_CHECKPOINT_PASSIVE,
                                               &in_log, &moved);
    if (code != SQLITE_OK) {
        return failure(connection_.get(), code);
    }
    return moved == in_log;
}

bool SqliteConnection::file_is_gone() const {
    int moved = 0;
    sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

std::string SqliteConnection::log_path() const {
    return text_or_nothing(sqlite3_filename_wal(sqlite3_db_filename(connection_.get(), "main")));
}

bool SqliteConnection::delete_log() {
    // Closing alone leaves the log of a file without a name as it is. This one takes the lock of
    // all of the file, moves and deletes the log, and then fails to note that in the file.
    const auto mode = query("PRAGMA journal_mode = DELETE");
    return mode || mode.error().code == SQLITE_READONLY_DBMOVED;
}

std::string quoted(std::string_view text, char quote) {
    std::string result(1, quote);
    for (const char character : text) {
        result.append(character == quote ? 2 : 1, character);
    }
    return result + quote;
}

}  // namespace blocky
