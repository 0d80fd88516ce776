// One connection to a PostgreSQL server through libpq, on which nothing waits for ever: a server
// that has vanished, or stands still, costs a limited time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/clock.hpp"
#include "consumer/sinks/child_log.hpp"
#include "consumer/sinks/postgres_error.hpp"
#include "consumer/sinks/postgres_parameters.hpp"

struct pg_conn;    // libpq's PGconn
struct pg_result;  // libpq's PGresult

namespace blocky {

// What a statement has returned, as text.
class PostgresRows {
public:
    explicit PostgresRows(pg_result* result);  // takes it over

    int size() const;
    // A view into the rows; a null is empty.
    std::string_view at(int row, int column) const;

private:
    struct Clear {
        void operator()(pg_result* result) const;
    };
    std::unique_ptr<pg_result, Clear> result_;
};

// Why libpq cannot read this connection string; nothing when it can.
std::optional<std::string> objection_to_conninfo(const std::string& conninfo);

// One thread at a time. Every call ends within 30 s; opening one after
// connect_timeout, 5 s for each address of the server unless the connection string says otherwise.
class PostgresConnection {
public:
    // The session is such that a commit is on disk when it returns (synchronous_commit is never
    // off), speaks UTF-8, and ends a statement by itself after 20 s (statement_timeout) unless it
    // is set to some other time up to 25 s. Its warnings go to the log, ten a second at most, and
    // how many there were more.
    static tl::expected<PostgresConnection, PostgresError> open(const std::string& conninfo);

    // Runs one statement, which is one transaction. Without an answer in time the connection is
    // closed, and whether the statement was done is not known.
    tl::expected<PostgresRows, PostgresError> execute(const std::string& statement,
                                                      const PostgresParameters& parameters = {});

    // False when it is closed, which the server may have done in the meantime. Never blocks.
    bool usable();

    // As an identifier in a statement. Throws std::runtime_error for invalid UTF-8.
    std::string quoted(const std::string& name) const;

    // "HOST:PORT/DATABASE".
    std::string place() const;

private:
    explicit PostgresConnection(const std::string& conninfo);

    tl::expected<void, PostgresError> wait_for_answer(TimePoint end);
    PostgresError lost() const;

    struct Conclude {
        void operator()(ChildLog* log) const;
    };
    struct Finish {
        void operator()(pg_conn* connection) const;
    };
    std::unique_ptr<ChildLog, Conclude> notices_;  // outlives the connection, which has its address
    std::unique_ptr<pg_conn, Finish> connection_;
};

}  // namespace blocky
