// What is to be done about which error, and what is said of a batch.
#include "consumer/sinks/sqlite.hpp"

#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/clock.hpp"
#include "common/command_line.hpp"
#include "consumer/sinks/stored_summary.hpp"

namespace blocky {
namespace {

constexpr Duration kStartPatience = std::chrono::seconds(5);
constexpr Duration kStartPause = std::chrono::milliseconds(20);

// The row is at fault: the same batch would fail again.
bool is_permanent(const SqliteError& error) {
    return error.is(SQLITE_CONSTRAINT) || error.is(SQLITE_TOOBIG) || error.is(SQLITE_MISMATCH);
}

// Nothing is wrong with the connection: it is enough to try again.
bool spares_connection(const SqliteError& error) {
    return is_permanent(error) || error.is(SQLITE_BUSY) || error.is(SQLITE_LOCKED) ||
           error.is(SQLITE_FULL);
}

SinkFailure transient(std::string reason) {
    return {SinkFailure::Kind::kTransient, std::move(reason)};
}

}  // namespace

SqliteSink::SqliteSink(SqliteSettings settings)
    : settings_(std::move(settings)),
      // As a URI (`file:…`) or a name of SQLite's own the target would be something else.
      absolute_path_(std::filesystem::absolute(settings_.path).string()) {
    const auto give_up_at = Clock::now() + kStartPatience;
    auto opened = open();
    // Not every lock is waited for by SQLite: two that make the same file's log at once, say.
    while (!opened && opened.error().is(SQLITE_BUSY) && Clock::now() < give_up_at) {
        std::this_thread::sleep_for(kStartPause);
        opened = open();
    }
    if (!opened) {
        throw std::runtime_error(
            fmt::format("cannot open sqlite:{}: {}", settings_.path, opened.error().text));
    }
}

SqliteSink::~SqliteSink() {
    if (table_ && table_->connection().file_is_gone()) {
        lost_.emplace(std::move(*table_), log_);
    }
    if (!lost_) {
        return;
    }
    if (const auto failure = leave_lost_file()) {
        spdlog::warn("{}", failure->reason);
    }
}

SqliteResult<> SqliteSink::open() {
    if (auto obstacle = obstacle_to_new_sqlite_file(absolute_path_)) {
        return tl::make_unexpected(SqliteError{SQLITE_CANTOPEN, std::move(*obstacle)});
    }
    auto table = SqliteTable::open(absolute_path_, settings_.table, settings_.patience);
    if (!table) {
        return tl::make_unexpected(table.error());
    }
    if (synced_is_unknown_) {
        const auto moved = table->connection().checkpoint();
        if (!moved) {
            return tl::make_unexpected(moved.error());
        }
        if (!*moved) {
            return tl::make_unexpected(
                SqliteError{SQLITE_BUSY,
                            "after a failure its log must be moved into it, and another program "
                            "still reads an old state"});
        }
    }
    synced_is_unknown_ = false;
    table_.emplace(std::move(*table));
    log_ = identity_of_file(table_->connection().log_path());
    return {};
}

BatchResult SqliteSink::process(const Batch& batch) {
    if (lost_) {
        if (auto failure = leave_lost_file()) {
            return tl::make_unexpected(std::move(*failure));
        }
    }
    if (!table_) {
        if (const auto opened = open(); !opened) {
            return tl::make_unexpected(
                transient(fmt::format("cannot open {}: {}", settings_.path, opened.error().text)));
        }
    }
    auto verdicts = table_->store(batch, settings_.run);
    if (!verdicts) {
        return tl::make_unexpected(give_up(verdicts.error()));
    }
    // Asked after the commit, so that no batch is answered for that went to a file without a name.
    if (table_->connection().file_is_gone()) {
        lost_.emplace(std::move(*table_), log_);
        table_.reset();
        return tl::make_unexpected(leave_lost_file().value_or(transient(
            fmt::format("{} was moved away or removed, and is made anew", settings_.path))));
    }
    return std::move(*verdicts);
}

SinkFailure SqliteSink::give_up(const SqliteError& error) {
    if (!spares_connection(error) || table_->connection().in_transaction()) {
        table_.reset();
        // After a failed sync the log may hold a batch that is in the page cache alone. Opened
        // anew, SQLite would take it for committed, and its messages for duplicates.
        synced_is_unknown_ = true;
    }
    if (is_permanent(error)) {
        return {SinkFailure::Kind::kPermanent,
                fmt::format("{} refuses it: {}", settings_.path, error.text)};
    }
    return transient(fmt::format("cannot store in {}: {}", settings_.path, error.text));
}

// Whoever has moved the file away gets all that was answered for: it is in the log, which still has
// the old name. Nothing: the name is free.
std::optional<SinkFailure> SqliteSink::leave_lost_file() {
    const auto left = lost_->leave();
    if (left == LostSqliteFile::Left::kNotYet) {
        return transient(
            fmt::format("{} was moved away or removed, and {}", settings_.path, lost_->obstacle()));
    }
    lost_.reset();
    if (left == LostSqliteFile::Left::kToOther) {
        return transient(
            fmt::format("{} was moved away or removed, and another consumer moves its log into it",
                        settings_.path));
    }
    return std::nullopt;
}

std::optional<std::string> SqliteSink::objection_to(const PushRequest& /*request*/) const {
    return std::nullopt;
}

Summary SqliteSink::summarize(const Batch& /*batch*/, const std::vector<Verdict>& verdicts) const {
    return stored_summary(verdicts, "row", settings_.path);
}

std::unique_ptr<Sink> make_sqlite_sink(const SinkOptions& options, const std::string& target) {
    if (target == ":memory:") {
        throw UsageError(
            "--sink: got \"sqlite::memory:\", which would keep nothing; accepts sqlite:PATH");
    }
    return std::make_unique<SqliteSink>(SqliteSettings{target, options.table, options.run});
}

}  // namespace blocky
