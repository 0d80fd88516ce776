// Keeps messages in a table of a PostgreSQL server: for when they are to be where the rest of the
// data is. A batch is one statement, hence one transaction and one round trip, unless that takes
// longer than a statement may.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "consumer/sink.hpp"
#include "consumer/sinks/postgres_connection.hpp"
#include "consumer/sinks/postgres_pieces.hpp"
#include "consumer/sinks/sink_options.hpp"

namespace blocky {

// `ok` means: the row is in the table, and its transaction is on the server's disk, on its standbys
// too as far as the server is set to wait for them.
//
// The table is made if it is not there. One that is there must have the columns id (unique),
// producer, run, batch, received_at and value (json, jsonb or text); its constraints and triggers
// may refuse messages, which are then rejected: with whatever error, as long as the statement works
// without rows.
class PostgresSink : public Sink {
public:
    // `target` is libpq's connection string, key=value or a URI, which may lack its "postgres:".
    // Throws UsageError when it is malformed or options.table is no NAME or SCHEMA.NAME,
    // std::runtime_error when the server cannot be reached or the table cannot be used.
    PostgresSink(const SinkOptions& options, const std::string& target);

    // Connects anew when the connection is gone. At most 30 s for each of the server's answers; in
    // bad times that much for connecting (5 s for each of its addresses) and for the session too.
    BatchResult process(const Batch& batch) override;
    std::optional<std::string> objection_to(const PushRequest& request) const override;
    Summary summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const override;

private:
    struct Blamed {
        PostgresError error;
        bool on_rows = false;  // what is in them, and not the server or the table
    };

    // What is in the table of a batch's ids.
    struct Kept {
        std::vector<PostgresRows> answers;                  // which the ids below are part of
        std::unordered_map<std::string_view, bool> is_own;  // whether this batch has brought it
        Verdict verdict_on(const std::string& id);
    };

    void prepare_table(const std::vector<std::string>& parts);
    void create_table(const std::string& table);
    tl::expected<void, PostgresError> connect_if_needed();
    PostgresParameters parameters_of(std::uint64_t batch, std::span<const Message> messages,
                                     std::span<const std::string> ids) const;
    tl::expected<void, PostgresError> store(const Batch& batch, std::span<const std::string> ids,
                                            Kept& kept);
    tl::expected<void, PostgresError> insert(std::uint64_t batch, std::span<const Message> messages,
                                             std::span<const std::string> ids, Kept& kept);
    tl::expected<void, PostgresError> find(std::uint64_t batch,
                                           std::span<const std::string_view> ids, Kept& kept);
    Blamed blamed(const PostgresError& error);
    SinkFailure failure_of(const Batch& batch, const Blamed& blamed);

    std::string conninfo_;
    std::string table_;  // as it was given
    std::string run_;
    std::string place_;   // of the server
    std::string insert_;  // returns the ids of the rows that were not there
    std::string find_;    // returns the ids that are there, and whether this batch brought them
    std::optional<PostgresConnection> connection_;  // nothing: lost
    PostgresPieces pieces_;
};

}  // namespace blocky
