// One INSERT per batch, and what its answer says of each message.
#include "consumer/sinks/postgres.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/command_line.hpp"
#include "consumer/sinks/arrival_times.hpp"
#include "consumer/sinks/stored_message.hpp"
#include "consumer/sinks/stored_summary.hpp"

namespace blocky {
namespace {

// Of `value`: the type json keeps a text exactly as it came, big numbers, spaces and \u0000
// included, checks that it is JSON, and can be searched with ->>. jsonb would refuse \u0000 and
// print numbers anew. Of `id`: compared byte by byte, whatever language the database is in.
constexpr const char* kColumns =
    "(id text COLLATE \"C\" PRIMARY KEY, producer text, run text NOT NULL, batch bigint NOT NULL,"
    " received_at timestamptz NOT NULL, value json NOT NULL)";

// json goes into columns of the types json, jsonb and text alike.
constexpr const char* kInsert =
    "INSERT INTO {} (id, producer, run, batch, received_at, value)"
    " SELECT id, producer, $1, $2, received_at, value"
    " FROM unnest($3::text[], $4::text[], $5::timestamptz[], $6::json[])"
    " AS message (id, producer, received_at, value)"
    " ON CONFLICT (id) DO NOTHING RETURNING id";

constexpr const char* kFind =
    "SELECT id, run = $2 AND batch = $3 FROM {} WHERE id = ANY ($1::text[])";

// A column that must be given and is none of ours would have every message refused; a trigger that
// sees the row before it is checked may fill it.
constexpr const char* kForeignColumn =
    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0"
    " AND attnotnull AND NOT atthasdef AND attidentity = '' AND NOT attisdropped"
    " AND attname NOT IN ('id', 'producer', 'run', 'batch', 'received_at', 'value')"
    " AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = attrelid AND tgenabled <> 'D'"
    " AND tgtype & 7 = 7)"  // BEFORE INSERT … FOR EACH ROW
    " ORDER BY attnum LIMIT 1";

// query_canceled: by statement_timeout, or by somebody who had enough of it.
constexpr const char* kCanceled = "57014";

// Of a message to the server, which ends the connection over 1 GiB.
constexpr std::size_t kMostBytes = 900U << 20U;

std::vector<std::string> parts_of(const std::string& table) {
    std::vector<std::string> parts{""};
    for (const char character : table) {
        if (character == '.') {
            parts.emplace_back();
        } else {
            parts.back() += character;
        }
    }
    if (parts.size() > 2 || parts.front().empty() || parts.back().empty()) {
        throw UsageError(
            fmt::format("--table: got \"{}\"; accepts NAME, or for postgres SCHEMA.NAME", table));
    }
    return parts;
}

// `--sink postgres://…` is a URI whose scheme has been taken for the sink's name.
std::string as_conninfo(const std::string& target) {
    return target.starts_with("//") ? "postgres:" + target : target;
}

PostgresParameters one_text(const std::string& text) {
    PostgresParameters parameters;
    parameters.add(PostgresType::kText, text);
    return parameters;
}

template <typename Text>
std::string text_array(std::span<const Text> texts) {
    PostgresArray array(PostgresType::kText, texts.size());
    for (const auto& text : texts) {
        array.add(text);
    }
    return array.take();
}

PostgresRows must(tl::expected<PostgresRows, PostgresError> result, const std::string& what) {
    if (!result) {
        throw std::runtime_error(fmt::format("{}: {}", what, result.error().reason));
    }
    return std::move(*result);
}

}  // namespace

PostgresSink::PostgresSink(const SinkOptions& options, const std::string& target)
    : conninfo_(as_conninfo(target)), table_(options.table), run_(options.run) {
    const auto parts = parts_of(table_);
    if (const auto objection = objection_to_conninfo(conninfo_)) {
        // Not what was given: there may be a password in it.
        throw UsageError(
            fmt::format("--sink: got a connection string that PostgreSQL cannot read ({}); accepts "
                        "postgres:\"host=… dbname=…\" or postgres:postgresql://…",
                        *objection));
    }
    auto opened = PostgresConnection::open(conninfo_);
    if (!opened) {
        throw std::runtime_error(
            fmt::format("cannot open the sink postgres: {}", opened.error().reason));
    }
    connection_ = std::move(*opened);
    place_ = connection_->place();
    prepare_table(parts);
}

// The statements run once on nothing: what is wrong with the table shows now, not with the first
// batch.
void PostgresSink::prepare_table(const std::vector<std::string>& parts) {
    std::string table;
    for (const auto& part : parts) {
        table += (table.empty() ? "" : ".") + connection_->quoted(part);
    }
    insert_ = fmt::format(kInsert, table);
    find_ = fmt::format(kFind, table);
    const auto failed = fmt::format("cannot use table {} at {}", table_, place_);
    const auto found =
        must(connection_->execute("SELECT current_setting('fsync'), (SELECT relpersistence FROM "
                                  "pg_class WHERE oid = to_regclass($1))",
                                  one_text(table)),
             failed);
    if (found.at(0, 0) != "on") {
        spdlog::warn(
            "PostgreSQL at {} runs with fsync off: what was answered ok may be lost when "
            "its machine fails",
            place_);
    }
    const auto persistence = found.at(0, 1);
    if (persistence.empty()) {
        create_table(table);
    } else if (persistence != "p") {
        throw std::runtime_error(failed +
                                 ": it is unlogged or temporary, so its rows would not "
                                 "outlive the server");
    }
    must(connection_->execute(insert_, parameters_of(0, {}, {})), failed);
    PostgresParameters nothing;
    nothing.add(PostgresType::kTextArray, text_array<std::string>({}));
    nothing.add(PostgresType::kText, run_);
    nothing.add(PostgresType::kInt8, postgres_int8(0));
    must(connection_->execute(find_, nothing), failed);
    const auto foreign = must(connection_->execute(kForeignColumn, one_text(table)), failed);
    if (foreign.size() > 0) {
        throw std::runtime_error(
            fmt::format("{}: it has a column {} that must be given (NOT NULL, no default), and no "
                        "message has such a thing",
                        failed, foreign.at(0, 0)));
    }
}

// Not by IF NOT EXISTS for a table that is there: it takes the right to make one.
void PostgresSink::create_table(const std::string& table) {
    const auto made =
        connection_->execute(fmt::format("CREATE TABLE IF NOT EXISTS {} {}", table, kColumns));
    // Another consumer that makes it at the same time is no error, but may look like one.
    if (!made && made.error().sqlstate != "23505" && made.error().sqlstate != "42P07") {
        throw std::runtime_error(
            fmt::format("cannot make table {} at {}: {}", table_, place_, made.error().reason));
    }
}

BatchResult PostgresSink::process(const Batch& batch) {
    std::vector<std::string> ids;
    ids.reserve(batch.messages.size());
    for (const auto& message : batch.messages) {
        ids.push_back(stored_id(message, run_));
    }
    Kept kept;
    kept.is_own.reserve(ids.size());
    if (const auto stored = store(batch, ids, kept); !stored) {
        return tl::make_unexpected(failure_of(batch, blamed(stored.error())));
    }
    std::vector<Verdict> verdicts;
    verdicts.reserve(ids.size());
    for (const auto& id : ids) {
        verdicts.push_back(kept.verdict_on(id));
    }
    return verdicts;
}

Verdict PostgresSink::Kept::verdict_on(const std::string& id) {
    const auto found = is_own.find(id);
    if (found == is_own.end()) {
        return {Verdict::Kind::kRejected,
                "PostgreSQL took the row and kept none with its id, as when a trigger drops it"};
    }
    // Of several with the same id the first is stored.
    const bool own = std::exchange(found->second, false);
    return {own ? Verdict::Kind::kStored : Verdict::Kind::kDuplicate, {}};
}

// In one transaction; in several once that took longer than the server lets it. What is committed
// of a batch that then fails is found again by its next try.
tl::expected<void, PostgresError> PostgresSink::store(const Batch& batch,
                                                      std::span<const std::string> ids,
                                                      Kept& kept) {
    if (auto connected = connect_if_needed(); !connected) {
        return connected;
    }
    const std::span messages(batch.messages);
    std::size_t done = 0;
    while (done < messages.size()) {
        const auto size = std::min(pieces_.most(), messages.size() - done);
        const auto start = Clock::now();
        auto inserted =
            insert(batch.number, messages.subspan(done, size), ids.subspan(done, size), kept);
        const auto took = Clock::now() - start;
        if (!inserted) {
            if (inserted.error().sqlstate == kCanceled) {
                pieces_.was_too_slow(size, took);
            }
            return inserted;
        }
        pieces_.was_stored(size, took);
        done += size;
    }
    return {};
}

tl::expected<void, PostgresError> PostgresSink::insert(std::uint64_t batch,
                                                       std::span<const Message> messages,
                                                       std::span<const std::string> ids,
                                                       Kept& kept) {
    const auto parameters = parameters_of(batch, messages, ids);
    if (parameters.bytes() > kMostBytes) {
        return tl::make_unexpected(PostgresError{"54000", "too large for one statement"});
    }
    auto inserted = connection_->execute(insert_, parameters);
    if (!inserted) {
        return tl::make_unexpected(std::move(inserted.error()));
    }
    const auto& rows = kept.answers.emplace_back(std::move(*inserted));
    for (int row = 0; row < rows.size(); ++row) {
        kept.is_own.emplace(rows.at(row, 0), true);
    }
    std::vector<std::string_view> missing;
    std::ranges::copy_if(ids, std::back_inserter(missing),
                         [&](const auto& id) { return !kept.is_own.contains(id); });
    return missing.empty() ? tl::expected<void, PostgresError>() : find(batch, missing, kept);
}

// Of the rows that the INSERT did not bring: those that were there before it. Among them may be
// this batch's own, by a try whose end was not heard of. They must be asked for in a statement of
// their own, for the INSERT does not see what it has waited for.
tl::expected<void, PostgresError> PostgresSink::find(std::uint64_t batch,
                                                     std::span<const std::string_view> ids,
                                                     Kept& kept) {
    PostgresParameters sought;
    sought.add(PostgresType::kTextArray, text_array(ids));
    sought.add(PostgresType::kText, run_);
    sought.add(PostgresType::kInt8, postgres_int8(static_cast<std::int64_t>(batch)));
    auto found = connection_->execute(find_, sought);
    if (!found) {
        return tl::make_unexpected(std::move(found.error()));
    }
    const auto& rows = kept.answers.emplace_back(std::move(*found));
    for (int row = 0; row < rows.size(); ++row) {
        kept.is_own.emplace(rows.at(row, 0), rows.at(row, 1) == "t");
    }
    return {};
}

tl::expected<void, PostgresError> PostgresSink::connect_if_needed() {
    if (connection_ && connection_->usable()) {
        return {};
    }
    connection_.reset();
    auto opened = PostgresConnection::open(conninfo_);
    if (!opened) {
        return tl::make_unexpected(std::move(opened.error()));
    }
    connection_ = std::move(*opened);
    place_ = connection_->place();
    return {};
}

PostgresParameters PostgresSink::parameters_of(std::uint64_t batch,
                                               std::span<const Message> messages,
                                               std::span<const std::string> ids) const {
    const auto size = messages.size();
    PostgresArray producers(PostgresType::kText, size);
    PostgresArray times(PostgresType::kTimestamptz, size);
    PostgresArray values(PostgresType::kJson, size);
    const ArrivalTimes arrivals;
    for (const auto& message : messages) {
        message.producer.empty() ? producers.add_null() : producers.add(message.producer);
        times.add(postgres_timestamptz(arrivals.wall(message.received_at)));
        values.add(message.value);
    }
    PostgresParameters parameters;
    parameters.add(PostgresType::kText, run_);
    parameters.add(PostgresType::kInt8, postgres_int8(static_cast<std::int64_t>(batch)));
    parameters.add(PostgresType::kTextArray, text_array(ids));
    parameters.add(PostgresType::kTextArray, producers.take());
    parameters.add(PostgresType::kTimestamptzArray, times.take());
    parameters.add(PostgresType::kJsonArray, values.take());
    return parameters;
}

// Where the error alone does not tell whether the rows are at fault or the table, the same
// statement without rows does: it needs the same table, columns and rights, and calls no row's
// trigger.
PostgresSink::Blamed PostgresSink::blamed(const PostgresError& error) {
    const auto blame = blame_for(error.sqlstate);
    if (blame != PostgresBlame::kStatement) {
        return {error, blame == PostgresBlame::kRows};
    }
    const auto empty = connection_->execute(insert_, parameters_of(0, {}, {}));
    return empty ? Blamed{error, true} : Blamed{empty.error(), false};
}

SinkFailure PostgresSink::failure_of(const Batch& batch, const Blamed& blamed) {
    const auto& error = blamed.error;
    if (blamed.on_rows) {
        return {SinkFailure::Kind::kPermanent,
                fmt::format("PostgreSQL: {} (SQLSTATE {})", error.reason, error.sqlstate)};
    }
    // Whoever cannot write here may be a standby now: another of the string's hosts may take it.
    if (error.sqlstate == "25006") {
        connection_.reset();
    }
    const auto next = error.sqlstate == kCanceled && pieces_.most() < batch.messages.size()
                          ? fmt::format("; next with {} in a transaction", pieces_.most())
                          : "";
    const auto state = error.sqlstate.empty() ? "" : fmt::format(" (SQLSTATE {})", error.sqlstate);
    return {SinkFailure::Kind::kTransient,
            fmt::format("cannot store batch {} in table {} at {}: {}{}{}", batch.number, table_,
                        place_, error.reason, state, next)};
}

// What the wire protocol takes, a text and json take.
std::optional<std::string> PostgresSink::objection_to(const PushRequest& /*request*/) const {
    return std::nullopt;
}

Summary PostgresSink::summarize(const Batch& /*batch*/,
                                const std::vector<Verdict>& verdicts) const {
    return stored_summary(verdicts, "row", table_);
}

}  // namespace blocky
