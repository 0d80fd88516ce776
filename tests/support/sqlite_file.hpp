// An SQLite file for the tests of its sink, read back by connections of the test's own, and short
// ways to say what a sink made of a batch.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "consumer/sinks/sqlite.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {

using Kind = Verdict::Kind;
using Rows = std::vector<std::string>;

// Another program with the same file open: plain C API, nothing of the sink's.
class OtherProgram {
public:
    explicit OtherProgram(const std::filesystem::path& path) {
        REQUIRE(sqlite3_open(path.c_str(), &connection_) == SQLITE_OK);
    }
    ~OtherProgram() { sqlite3_close(connection_); }
    OtherProgram(const OtherProgram&) = delete;
    OtherProgram& operator=(const OtherProgram&) = delete;

    // The rows, their columns joined by |.
    Rows operator()(const std::string& sql) {
        Rows rows;
        char* error = nullptr;
        const int code = sqlite3_exec(connection_, sql.c_str(), add_row, &rows, &error);
        INFO(sql, ": ", std::string(error == nullptr ? "" : error));
        REQUIRE(code == SQLITE_OK);
        return rows;
    }

private:
    static int add_row(void* rows, int count, char** texts, char** /*names*/) {
        std::string row;
        for (int i = 0; i < count; ++i) {
            row += fmt::format("{}{}", i > 0 ? "|" : "", texts[i] == nullptr ? "NULL" : texts[i]);
        }
        static_cast<Rows*>(rows)->push_back(row);
        return 0;
    }
    sqlite3* connection_ = nullptr;
};

struct Stage {
    TemporaryDirectory directory;
    std::filesystem::path path = directory / "events.db";

    std::unique_ptr<SqliteSink> sink(const std::string& run = "run",
                                     std::chrono::milliseconds patience = 10ms) const {
        return std::make_unique<SqliteSink>(
            SqliteSettings{path.string(), "messages", run, patience});
    }
    Rows rows(const std::string& sql) const { return OtherProgram(path)(sql); }
    std::size_t count() const { return std::stoul(rows("SELECT count(*) FROM messages").front()); }
    // Why it could not be opened.
    std::string start_failure() const {
        try {
            sink();
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "";
    }
};

// With ids of its own: PREFIX-1, PREFIX-2 …
inline Batch batch_with(const std::string& prefix, const std::vector<std::string>& values,
                        std::uint64_t number = 1) {
    Batch batch;
    batch.number = number;
    batch.closed_at = Clock::now();
    for (std::size_t i = 0; i < values.size(); ++i) {
        batch.add(i + 1, "p", fmt::format("{}-{}", prefix, i + 1), values[i], batch.closed_at);
    }
    return batch;
}

inline std::vector<Kind> kinds(const BatchResult& result) {
    INFO((result ? std::string() : result.error().reason));
    REQUIRE(result);
    std::vector<Kind> kinds;
    for (const auto& verdict : *result) {
        CHECK(verdict.detail.empty());
        kinds.push_back(verdict.kind);
    }
    return kinds;
}

inline bool stored(const BatchResult& result) {
    return std::ranges::all_of(kinds(result), [](Kind kind) { return kind == Kind::kStored; });
}

// Why it failed; the test fails if it did not, or not in that way.
inline std::string reason(const BatchResult& result, SinkFailure::Kind kind) {
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == kind);
    return result.error().reason;
}

inline std::string transient_reason(const BatchResult& result) {
    return reason(result, SinkFailure::Kind::kTransient);
}

inline bool contains(const std::string& text, const std::string& part) {
    const bool found = text.find(part) != std::string::npos;
    CHECK_MESSAGE(found, text);
    return found;
}

}  // namespace blocky::test
