// SQL: the schema, its check, the one INSERT, and the one SELECT.
#include "consumer/sinks/sqlite_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "consumer/sinks/arrival_times.hpp"
#include "consumer/sinks/stored_message.hpp"

namespace blocky {
namespace {

// Each is filled in with the table's quoted name.
constexpr const char* kCreate =
    "CREATE TABLE IF NOT EXISTS {} ("
    "id TEXT NOT NULL UNIQUE, "
    "producer TEXT, "
    "run TEXT NOT NULL, "
    "batch INTEGER NOT NULL, "
    "received_at TEXT NOT NULL, "
    "value TEXT NOT NULL CHECK (json_valid(value)))";
constexpr const char* kInsert =
    "INSERT INTO {} (id, producer, run, batch, received_at, value) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING";
constexpr const char* kFind = "SELECT 1 FROM {} WHERE id = ?1";
// A column that must be given and is none of ours would have every message refused.
constexpr const char* kForeignColumn =
    "SELECT name FROM pragma_table_info({}) WHERE \"notnull\" AND dflt_value IS NULL AND pk = 0 "
    "AND lower(name) NOT IN ('id', 'producer', 'run', 'batch', 'received_at', 'value')";

constexpr const char* kColumns[] = {"id", "producer", "run", "batch", "received_at", "value"};

tl::unexpected<SqliteError> refusal(std::string text) {
    return tl::make_unexpected(SqliteError{SQLITE_ERROR, std::move(text)});
}

// Whether a column of that declared type keeps texts as they are, by the rules in section 3.1 of
// https://www.sqlite.org/datatype3.html: the others turn what looks like a number into one.
bool keeps_text(std::string type) {
    std::ranges::transform(type, type.begin(), [](char letter) {
        return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    });
    const auto has = [&](std::string_view word) { return type.find(word) != std::string::npos; };
    return !has("INT") &&
           (type.empty() || has("CHAR") || has("CLOB") || has("TEXT") || has("BLOB"));
}

SqliteResult<> check_columns(SqliteConnection& connection, const std::string& table) {
    for (const std::string name : kColumns) {
        const auto column = connection.column(table, name);
        if (!column) {
            return refusal(fmt::format("its table {} has no column {}; needed are {}",
                                       quoted(table, '"'), name,
                                       "id (UNIQUE), producer, run, batch, received_at and value"));
        }
        if ((name == "id" || name == "value") && !keeps_text(column->type)) {
            return refusal(fmt::format(
                "column {} of its table {} is declared {}, which would change what it is given; "
                "TEXT keeps it",
                name, quoted(table, '"'), column->type));
        }
        if (name == "id" && column->collation != "BINARY") {
            return refusal(fmt::format(
                "column id of its table {} takes different ids for the same (COLLATE {})",
                quoted(table, '"'), column->collation));
        }
    }
    return {};
}

SqliteResult<> check_others(SqliteConnection& connection, const std::string& table) {
    const auto foreign =
        connection.query(fmt::format(fmt::runtime(kForeignColumn), quoted(table, '\'')));
    if (!foreign) {
        return tl::make_unexpected(foreign.error());
    }
    if (!foreign->empty()) {
        return refusal(
            fmt::format("its table {} has a column {} that must be given, and no "
                        "message has such a thing",
                        quoted(table, '"'), *foreign));
    }
    return {};
}

SqliteResult<> make_table(SqliteConnection& connection, const std::string& table) {
    if (connection.is_read_only()) {
        return tl::make_unexpected(SqliteError{SQLITE_READONLY, "it is read-only"});
    }
    return connection.execute("PRAGMA synchronous = FULL")
        .and_then([&] {
            return connection.execute(fmt::format(fmt::runtime(kCreate), quoted(table, '"')));
        })
        .and_then([&] { return check_columns(connection, table); })
        .and_then([&] { return check_others(connection, table); });
}

SqliteResult<> use_write_ahead_log(SqliteConnection& connection) {
    const auto mode = connection.query("PRAGMA journal_mode = WAL");
    if (!mode) {
        return tl::make_unexpected(mode.error());
    }
    if (*mode != "wal") {
        return refusal(fmt::format(
            "it can have no write-ahead log where it is (journal mode {}); a local disk allows it",
            *mode));
    }
    // What the log still holds may be there by the page cache's grace alone, if a sync has failed
    // in the run before this. Where readers are in the way, later checkpoints do it.
    const auto moved = connection.checkpoint();
    if (!moved && !moved.error().is(SQLITE_BUSY)) {
        return tl::make_unexpected(moved.error());
    }
    return {};
}

// Leaves no transaction behind: one that has not been committed is rolled back.
class Transaction {
public:
    explicit Transaction(SqliteConnection& connection) : connection_(connection) {}
    ~Transaction() {
        if (connection_.in_transaction()) {
            // If even this fails, in_transaction() tells, and the connection is given up.
            [[maybe_unused]] const auto rolled_back = connection_.execute("ROLLBACK");
        }
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    // IMMEDIATE: waits for another writer here, where that is still possible, and not at the first
    // INSERT.
    SqliteResult<> begin() { return connection_.execute("BEGIN IMMEDIATE"); }
    SqliteResult<> commit() { return connection_.execute("COMMIT"); }

private:
    SqliteConnection& connection_;
};

}  // namespace

SqliteResult<SqliteTable> SqliteTable::open(const std::string& path, const std::string& table,
                                            std::chrono::milliseconds patience) {
    auto connection = SqliteConnection::open(path, patience);
    if (!connection) {
        return tl::make_unexpected(connection.error());
    }
    // Another program's database is left as it is until its table has been found to do.
    auto insert = make_table(*connection, table).and_then([&] {
        return connection->prepare(fmt::format(fmt::runtime(kInsert), quoted(table, '"')));
    });
    if (!insert) {
        return tl::make_unexpected(insert.error());
    }
    auto find = connection->prepare(fmt::format(fmt::runtime(kFind), quoted(table, '"')));
    if (!find) {
        return tl::make_unexpected(find.error());
    }
    if (const auto logged = use_write_ahead_log(*connection); !logged) {
        return tl::make_unexpected(logged.error());
    }
    return SqliteTable(std::move(*connection), std::move(*insert), std::move(*find));
}

SqliteResult<std::vector<Verdict>> SqliteTable::store(const Batch& batch, const std::string& run) {
    Transaction transaction(connection_);
    if (const auto begun = transaction.begin(); !begun) {
        return tl::make_unexpected(begun.error());
    }
    std::vector<Verdict> verdicts;
    verdicts.reserve(batch.messages.size());
    ArrivalTimes arrivals;
    insert_.bind(3, run);
    insert_.bind(4, static_cast<std::int64_t>(batch.number));
    for (const auto& message : batch.messages) {
        const auto inserted =
            insert_row(message, stored_id(message, run), arrivals.text(message.received_at));
        if (!inserted) {
            return tl::make_unexpected(inserted.error());
        }
        verdicts.push_back({*inserted ? Verdict::Kind::kStored : Verdict::Kind::kDuplicate, {}});
    }
    if (const auto checked = check_duplicates(batch, run, verdicts); !checked) {
        return tl::make_unexpected(checked.error());
    }
    if (const auto committed = transaction.commit(); !committed) {
        return tl::make_unexpected(committed.error());
    }
    return verdicts;
}

// False: a row with that id is there already. What belongs to the whole batch is bound already.
SqliteResult<bool> SqliteTable::insert_row(const Message& message, const std::string& id,
                                           std::string_view received_at) {
    insert_.bind(1, id);
    if (message.producer.empty()) {
        insert_.bind(2, nullptr);
    } else {
        insert_.bind(2, message.producer);
    }
    insert_.bind(5, received_at);
    insert_.bind(6, message.value);
    return insert_.step().map([this](bool /*row*/) { return connection_.has_changed(); });
}

// A trigger's RAISE(IGNORE) looks like a conflict: no row, and no error.
SqliteResult<> SqliteTable::check_duplicates(const Batch& batch, const std::string& run,
                                             std::vector<Verdict>& verdicts) {
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        if (verdicts[i].kind != Verdict::Kind::kDuplicate) {
            continue;
        }
        const auto id = stored_id(batch.messages[i], run);
        find_.bind(1, id);
        auto found = find_.step();
        if (found && *found) {
            found = find_.step();  // to its end, which lets go of the row; the id is unique
            if (found) {
                continue;
            }
        }
        if (!found) {
            return tl::make_unexpected(found.error());
        }
        verdicts[i] = {Verdict::Kind::kRejected,
                       "a trigger of the table leaves it out: no row was made of it"};
    }
    return {};
}

}  // namespace blocky
