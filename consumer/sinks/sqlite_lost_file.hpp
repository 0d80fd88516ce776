// An SQLite file that has lost its name while it is open. Its write-ahead log keeps the old name,
// and whoever makes a new file of that name while others have the old one open shares log and index
// with them: batches of both are lost. So the log is moved into the file first, by one of them,
// alone.
#pragma once

#include <optional>
#include <string>

#include "consumer/sinks/file_system.hpp"
#include "consumer/sinks/sqlite_table.hpp"

namespace blocky {

// Nothing: there is no such file.
std::optional<FileIdentity> identity_of_file(const std::string& path);

// Why no database may be made where none is: a log or an index of that name is there, which others
// may have open, or which holds what the former file lacks. SQLite would delete the log.
std::optional<std::string> obstacle_to_new_sqlite_file(const std::string& path);

class LostSqliteFile {
public:
    // `log`: which file the log was when the database was opened.
    LostSqliteFile(SqliteTable table, std::optional<FileIdentity> log);
    ~LostSqliteFile();
    LostSqliteFile(const LostSqliteFile&) = delete;
    LostSqliteFile& operator=(const LostSqliteFile&) = delete;

    enum class Left {
        kWhole,    // closed; it has all that was in its log, which is gone
        kToOther,  // closed; another consumer does that
        kNotYet    // still open: see obstacle()
    };
    // To be called again, after kNotYet only. Waits for nobody.
    Left leave();
    const std::string& obstacle() const { return obstacle_; }

private:
    bool log_has_its_name() const;
    bool is_mine_to_leave();

    std::optional<SqliteTable> table_;
    std::string log_path_;
    std::optional<FileIdentity> log_;
    int log_lock_ = -1;  // a descriptor, with the lock that makes one of several consumers do it
    std::string obstacle_;
};

}  // namespace blocky
