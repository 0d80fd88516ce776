// libpq's asynchronous calls with a deadline around them.
#include "consumer/sinks/postgres_connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace blocky {
namespace {

// Longer than the session's statement_timeout: a server that is there says by itself that it was
// too slow, and has taken the statement back; otherwise each retry would leave one more behind.
constexpr std::chrono::seconds kAnswerWithin(30);

// Only an `off` is overruled: remote_apply and its like are stronger promises, and not ours to take
// back. A timeout is left if it ends before we give up; it does not run during the commit itself.
// What a trigger has to say of each row it takes is of no use in our log, a warning may be.
constexpr const char* kSession =
    "SELECT CASE WHEN current_setting('synchronous_commit') = 'off'"
    " THEN set_config('synchronous_commit', 'on', false) END,"
    " CASE WHEN (SELECT setting::int NOT BETWEEN 1 AND 25000 FROM pg_settings"
    " WHERE name = 'statement_timeout')"
    " THEN set_config('statement_timeout', '20s', false) END,"
    " CASE WHEN current_setting('client_min_messages') <> 'error'"
    " THEN set_config('client_min_messages', 'warning', false) END";

constexpr std::uint64_t kMostNoticesPerSecond = 10;

// libpq's texts have lines and tabs; ours are one line.
std::string one_line(const char* text) {
    std::string line;
    for (const char character : std::string_view(text == nullptr ? "" : text)) {
        const bool space = std::isspace(static_cast<unsigned char>(character)) != 0;
        if (!space) {
            line += character;
        } else if (!line.empty() && line.back() != ' ') {
            line += ' ';
        }
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

// The server's words. Those it has on a constraint would repeat the whole row.
PostgresError error_in(const PGresult* result) {
    const auto field = [result](int code) { return one_line(PQresultErrorField(result, code)); };
    PostgresError error{field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY)};
    const auto detail = field(PG_DIAG_MESSAGE_DETAIL);
    if (error.sqlstate.empty()) {
        error.reason = one_line(PQresultErrorMessage(result));
    } else if (!detail.empty() && !error.sqlstate.starts_with("23")) {
        error.reason += fmt::format(" ({})", detail);
    }
    return error;
}

bool has_failed(const PGresult* result) {
    const auto status = PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
}

void log_notice(void* log, const char* message) {
    static_cast<ChildLog*>(log)->add(one_line(message) + '\n', Clock::now());
}

// What stands before the connection string may be overruled by it, what follows may not.
PGconn* connect(const std::string& conninfo) {
    const std::array keywords{"fallback_application_name",
                              "connect_timeout",
                              "tcp_user_timeout",
                              "keepalives_idle",
                              "keepalives_interval",
                              "keepalives_count",
                              "dbname",
                              "client_encoding",
                              static_cast<const char*>(nullptr)};
    const std::array values{"blocky-consumer",
                            "5",
                            "10000",
                            "10",
                            "5",
                            "3",
                            conninfo.c_str(),
                            "UTF8",
                            static_cast<const char*>(nullptr)};
    return PQconnectdbParams(keywords.data(), values.data(), 1);
}

}  // namespace

PostgresRows::PostgresRows(pg_result* result) : result_(result) {}

void PostgresRows::Clear::operator()(pg_result* result) const {
    PQclear(result);
}

int PostgresRows::size() const {
    return PQntuples(result_.get());
}

std::string_view PostgresRows::at(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

// PQconninfoParse() refuses what is a database's name alone, which PQconnectdbParams() would take.
std::optional<std::string> objection_to_conninfo(const std::string& conninfo) {
    char* error = nullptr;
    auto* const options = PQconninfoParse(conninfo.c_str(), &error);
    const std::string objection = one_line(error);
    PQfreemem(error);
    PQconninfoFree(options);
    return options == nullptr ? std::optional(objection) : std::nullopt;
}

PostgresConnection::PostgresConnection(const std::string& conninfo)
    : notices_(
          new ChildLog([](const std::string& line) { spdlog::warn("PostgreSQL says: {}", line); },
                       kMostNoticesPerSecond)),
      connection_(connect(conninfo)) {}

void PostgresConnection::Conclude::operator()(ChildLog* log) const {
    log->finish(Clock::now());
    std::default_delete<ChildLog>()(log);
}

void PostgresConnection::Finish::operator()(pg_conn* connection) const {
    PQfinish(connection);
}

tl::expected<PostgresConnection, PostgresError> PostgresConnection::open(
    const std::string& conninfo) {
    PostgresConnection opened(conninfo);
    auto* const connection = opened.connection_.get();
    if (PQstatus(connection) != CONNECTION_OK) {
        return tl::make_unexpected(opened.lost());
    }
    PQsetNoticeProcessor(connection, log_notice, opened.notices_.get());
    if (PQsetnonblocking(connection, 1) != 0) {
        return tl::make_unexpected(opened.lost());
    }
    if (auto session = opened.execute(kSession); !session) {
        return tl::make_unexpected(std::move(session.error()));
    }
    return opened;
}

tl::expected<PostgresRows, PostgresError> PostgresConnection::execute(
    const std::string& statement, const PostgresParameters& parameters) {
    const auto end = Clock::now() + kAnswerWithin;
    const auto values = parameters.values();
    const auto lengths = parameters.lengths();
    const std::vector<int> binary(values.size(), 1);
    if (PQsendQueryParams(connection_.get(), statement.c_str(), static_cast<int>(values.size()),
                          parameters.types().data(), values.data(), lengths.data(), binary.data(),
                          0) == 0) {
        return tl::make_unexpected(lost());
    }
    std::optional<PostgresRows> rows;
    std::optional<PostgresError> error;
    while (true) {
        if (auto waited = wait_for_answer(end); !waited) {
            return tl::make_unexpected(error.value_or(std::move(waited.error())));
        }
        auto* const result = PQgetResult(connection_.get());
        if (result == nullptr) {
            break;
        }
        rows.emplace(result);
        if (has_failed(result) && !error) {
            error = error_in(result);
        }
    }
    if (error || !rows) {
        return tl::make_unexpected(error.value_or(lost()));
    }
    return std::move(*rows);
}

// PQgetResult() does not block when this has succeeded.
tl::expected<void, PostgresError> PostgresConnection::wait_for_answer(TimePoint end) {
    auto* const connection = connection_.get();
    while (PQisBusy(connection) != 0) {
        const int unsent = PQflush(connection);
        if (unsent < 0) {
            return tl::make_unexpected(lost());
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        if (left.count() <= 0) {
            connection_.reset();
            return tl::make_unexpected(PostgresError{
                "", fmt::format("the server gave no answer within {} s", kAnswerWithin.count())});
        }
        const auto events = static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
        pollfd socket{PQsocket(connection), events, 0};
        const bool ready = poll(&socket, 1, static_cast<int>(left.count())) > 0;
        if (ready && (socket.revents & ~POLLOUT) != 0 && PQconsumeInput(connection) == 0) {
            return tl::make_unexpected(lost());
        }
    }
    return {};
}

bool PostgresConnection::usable() {
    auto* const connection = connection_.get();
    pollfd socket{PQsocket(connection), POLLIN, 0};
    // What a server says as it goes is followed by the end of its stream.
    while (socket.fd >= 0 && poll(&socket, 1, 0) > 0) {
        if (PQconsumeInput(connection) == 0) {
            return false;
        }
    }
    return PQstatus(connection) == CONNECTION_OK;
}

std::string PostgresConnection::quoted(const std::string& name) const {
    char* const text = PQescapeIdentifier(connection_.get(), name.data(), name.size());
    if (text == nullptr) {
        throw std::runtime_error(lost().reason);
    }
    std::string quoted = text;
    PQfreemem(text);
    return quoted;
}

std::string PostgresConnection::place() const {
    auto* const connection = connection_.get();
    return fmt::format("{}:{}/{}", PQhost(connection), PQport(connection), PQdb(connection));
}

PostgresError PostgresConnection::lost() const {
    return {"", one_line(PQerrorMessage(connection_.get()))};
}

}  // namespace blocky
