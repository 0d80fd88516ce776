// The yardstick of the sink sqlite: a plain program that stores the same rows in the same schema
// with the same pragmas, one transaction for so many rows, with SQLite's C API and nothing else.
// Prints the milliseconds of each transaction on stdout, one a line.
#include <sqlite3.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/rows.hpp"

namespace {

constexpr const char* kSchema =
    "PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;"
    "CREATE TABLE messages (id TEXT NOT NULL UNIQUE, producer TEXT, run TEXT NOT NULL, batch "
    "INTEGER NOT NULL, received_at TEXT NOT NULL, value TEXT NOT NULL CHECK (json_valid(value)))";
constexpr const char* kInsert =
    "INSERT INTO messages (id, producer, run, batch, received_at, value) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING";

const std::string kProducer = "p";
const std::string kRun = "0123456789abcdef";
const std::string kReceivedAt = "2026-11-23T11:30:01.000Z";

class Database {
public:
    explicit Database(const char* path) {
        must(sqlite3_open(path, &connection_));
        execute(kSchema);
        must(sqlite3_prepare_v2(connection_, kInsert, -1, &insert_, nullptr));
    }
    ~Database() {
        sqlite3_finalize(insert_);
        sqlite3_close(connection_);
    }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    void store(const std::vector<Row>& rows, std::size_t first, std::size_t end, int batch) {
        execute("BEGIN IMMEDIATE");
        for (auto row = first; row < end; ++row) {
            bind(1, rows[row].id);
            bind(2, kProducer);
            bind(3, kRun);
            must(sqlite3_bind_int(insert_, 4, batch));
            bind(5, kReceivedAt);
            bind(6, rows[row].value);
            must(sqlite3_step(insert_));
            must(sqlite3_reset(insert_));
        }
        execute("COMMIT");
    }

private:
    void must(int code) {
        if (code != SQLITE_OK && code != SQLITE_DONE) {
            std::fprintf(stderr, "bare_sqlite: %s\n", sqlite3_errmsg(connection_));
            std::exit(EXIT_FAILURE);
        }
    }
    void execute(const char* sql) {
        must(sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr));
    }
    void bind(int parameter, const std::string& text) {
        must(sqlite3_bind_text(insert_, parameter, text.data(), static_cast<int>(text.size()),
                               nullptr));
    }

    sqlite3* connection_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s DATABASE VALUES ROWS_PER_TRANSACTION\n", argv[0]);
        return 2;
    }
    const auto rows = rows_of(argv[2]);
    const auto step = static_cast<std::size_t>(std::strtoul(argv[3], nullptr, 10));
    Database database(argv[1]);
    time_transactions(rows.size(), step, [&](std::size_t first, std::size_t end, int batch) {
        database.store(rows, first, end, batch);
    });
    return 0;
}
