// Keeps messages in an SQLite file, one transaction per batch: `ok` means that the row is on this
// machine's disk. The sink for keeping data without a server; other programs may read the file
// meanwhile, and several consumers may share it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consumer/sink.hpp"
#include "consumer/sinks/sink_options.hpp"
#include "consumer/sinks/sqlite_lost_file.hpp"
#include "consumer/sinks/sqlite_table.hpp"

namespace blocky {

struct SqliteSettings {
    std::string path;
    std::string table = "messages";
    std::string run;
    // How long a batch waits for another program's lock before the worker takes over with its
    // retries. Short enough for a drain, which takes 10 s at most.
    std::chrono::milliseconds patience = std::chrono::seconds(2);
};

// What a row holds is told at SqliteTable. A row that the table refuses (a constraint, a trigger, a
// size) is a permanent failure, anything else a transient one: producers stay held while the file
// is locked, its disk is full or it is gone. After errors that may have cost the connection the
// file is opened anew, and made anew if it is not there, unless others have the former one open.
class SqliteSink : public Sink {
public:
    // Opens the file, waiting some seconds for other programs' locks. Throws std::runtime_error.
    explicit SqliteSink(SqliteSettings settings);
    // A file that has lost its name gets what is in its log.
    ~SqliteSink() override;
    SqliteSink(const SqliteSink&) = delete;
    SqliteSink& operator=(const SqliteSink&) = delete;

    BatchResult process(const Batch& batch) override;
    std::optional<std::string> objection_to(const PushRequest& request) const override;
    Summary summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const override;

private:
    SqliteResult<> open();
    SinkFailure give_up(const SqliteError& error);
    std::optional<SinkFailure> leave_lost_file();

    SqliteSettings settings_;
    std::string absolute_path_;
    std::optional<SqliteTable> table_;  // nothing: to be opened by the next process()
    std::optional<FileIdentity> log_;   // of table_
    std::optional<LostSqliteFile> lost_;
    bool synced_is_unknown_ = false;  // of what the write-ahead log holds
};

// Throws UsageError for a target that keeps nothing, and what SqliteSink throws.
std::unique_ptr<Sink> make_sqlite_sink(const SinkOptions& options, const std::string& target);

}  // namespace blocky
