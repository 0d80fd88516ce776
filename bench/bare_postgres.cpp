// The yardstick of the sink postgres: a plain program that stores the same rows in the same table
// by the same statement, one transaction and one round trip for so many rows, with libpq and
// nothing else. Prints the milliseconds of each transaction on stdout, one a line. A transaction's
// time begins with plain strings and ends with the server's answer.
#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/rows.hpp"

namespace {

constexpr const char* kSchema =
    "CREATE TABLE messages (id text COLLATE \"C\" PRIMARY KEY, producer text, run text NOT NULL,"
    " batch bigint NOT NULL, received_at timestamptz NOT NULL, value json NOT NULL)";
constexpr const char* kInsert =
    "INSERT INTO messages (id, producer, run, batch, received_at, value)"
    " SELECT id, producer, $1, $2, received_at, value"
    " FROM unnest($3::text[], $4::text[], $5::timestamptz[], $6::json[])"
    " AS message (id, producer, received_at, value)"
    " ON CONFLICT (id) DO NOTHING RETURNING id";

const std::string kProducer = "p";
const std::string kRun = "0123456789abcdef";

std::string big_endian(std::uint64_t number, unsigned size) {
    std::string bytes;
    for (unsigned i = size; i > 0; --i) {
        bytes += static_cast<char>((number >> (8 * (i - 1))) & 0xFFU);
    }
    return bytes;
}

// An array parameter in binary form: no text has to be escaped.
class Array {
public:
    Array(unsigned element_type, std::size_t size)
        : bytes_(big_endian(1, 4) + big_endian(0, 4) + big_endian(element_type, 4) +
                 big_endian(size, 4) + big_endian(1, 4)) {}
    void add(std::string_view element) {
        bytes_ += big_endian(element.size(), 4);
        bytes_ += element;
    }
    const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

class Database {
public:
    explicit Database(const std::string& conninfo)
        : connection_(PQconnectdb(conninfo.c_str()), PQfinish) {
        if (PQstatus(connection_.get()) != CONNECTION_OK) {
            fail();
        }
    }

    void execute(const std::string& statement) {
        done(PQexec(connection_.get(), statement.c_str()));
    }

    // The number of rows that the statement has returned.
    int execute(const std::string& statement, const std::vector<unsigned>& types,
                const std::vector<std::string>& parameters) {
        std::vector<const char*> values;
        std::vector<int> lengths;
        for (const auto& parameter : parameters) {
            values.push_back(parameter.data());
            lengths.push_back(static_cast<int>(parameter.size()));
        }
        const std::vector<int> binary(parameters.size(), 1);
        return done(PQexecParams(connection_.get(), statement.c_str(),
                                 static_cast<int>(parameters.size()), types.data(), values.data(),
                                 lengths.data(), binary.data(), 0));
    }

private:
    int done(PGresult* result) {
        const auto status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            fail();
        }
        const int rows = PQntuples(result);
        PQclear(result);
        return rows;
    }

    [[noreturn]] void fail() {
        std::fprintf(stderr, "bare_postgres: %s", PQerrorMessage(connection_.get()));
        std::exit(EXIT_FAILURE);
    }

    std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

// The types are those of src/include/catalog/pg_type.dat: text 25, json 114, timestamptz 1184,
// int8 20, and the arrays of them.
void store(Database& database, const std::vector<Row>& rows, std::size_t first, std::size_t end,
           unsigned batch) {
    const auto since_2000 = std::time(nullptr) - 946'684'800;
    const auto received_at = big_endian(static_cast<std::uint64_t>(since_2000) * 1'000'000U, 8);
    Array ids(25, end - first);
    Array producers(25, end - first);
    Array times(1184, end - first);
    Array values(114, end - first);
    for (auto row = first; row < end; ++row) {
        ids.add(rows[row].id);
        producers.add(kProducer);
        times.add(received_at);
        values.add(rows[row].value);
    }
    const int stored = database.execute(kInsert, {25, 20, 1009, 1009, 1185, 199},
                                        {kRun, big_endian(batch, 8), ids.bytes(), producers.bytes(),
                                         times.bytes(), values.bytes()});
    if (static_cast<std::size_t>(stored) != end - first) {
        std::fprintf(stderr, "bare_postgres: not all rows were new\n");
        std::exit(EXIT_FAILURE);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s CONNINFO VALUES ROWS_PER_TRANSACTION\n", argv[0]);
        return 2;
    }
    const auto rows = rows_of(argv[2]);
    const auto step = static_cast<std::size_t>(std::strtoul(argv[3], nullptr, 10));
    Database database(argv[1]);
    database.execute(kSchema);
    time_transactions(rows.size(), step, [&](std::size_t first, std::size_t end, int batch) {
        store(database, rows, first, end, static_cast<unsigned>(batch));
    });
    return 0;
}
