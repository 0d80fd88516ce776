// What a batch costs a plain program: the rows of one batch, by the statement that the sink
// postgres uses, in one transaction and one round trip, again and again. libpq alone: nothing of
// Blocky.
//
//   bare_postgres --conninfo CONNINFO [--table bare] [--rows 1000] [--batches 200] [--bytes 8]
//
// Prints the 10th percentile, the median and the 95th of the milliseconds per batch. The table is
// made anew. A batch's time begins with plain strings and ends with the server's answer, as for any
// program that has data and wants them stored; making up the strings is not in it.
#include <libpq-fe.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bare.hpp"

namespace {

struct Options {
    std::string conninfo;
    std::string table = "bare";
    int rows = 1000;
    int batches = 200;
    int bytes = 8;  // of each value
};

Options parse(bare::Arguments arguments) {
    Options options;
    while (arguments.next()) {
        if (arguments.is("--conninfo")) {
            options.conninfo = arguments.text();
        } else if (arguments.is("--table")) {
            options.table = arguments.text();
        } else if (arguments.is("--rows")) {
            options.rows = arguments.number();
        } else if (arguments.is("--batches")) {
            options.batches = arguments.number();
        } else if (arguments.is("--bytes")) {
            options.bytes = arguments.number();
        } else {
            arguments.refuse();
        }
    }
    return options;
}

struct Row {
    std::string id;
    std::string producer;
    std::int64_t received_at = 0;  // microseconds since 2000
    std::string value;
};

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
        std::fprintf(stderr, "%s", PQerrorMessage(connection_.get()));
        std::exit(EXIT_FAILURE);
    }

    std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

// The types are those of src/include/catalog/pg_type.dat: text 25, json 114, timestamptz 1184,
// int8 20, and the arrays of them.
int insert(Database& database, const std::string& statement, int batch,
           const std::vector<Row>& rows) {
    Array ids(25, rows.size());
    Array producers(25, rows.size());
    Array times(1184, rows.size());
    Array values(114, rows.size());
    for (const auto& row : rows) {
        ids.add(row.id);
        producers.add(row.producer);
        times.add(big_endian(static_cast<std::uint64_t>(row.received_at), 8));
        values.add(row.value);
    }
    return database.execute(statement, {25, 20, 1009, 1009, 1185, 199},
                            {"0123456789abcdef", big_endian(static_cast<unsigned>(batch), 8),
                             ids.bytes(), producers.bytes(), times.bytes(), values.bytes()});
}

std::vector<Row> rows_of(int batch, const Options& options) {
    const auto now = (std::time(nullptr) - 946'684'800) * std::int64_t{1'000'000};
    std::vector<Row> rows;
    for (int i = 0; i < options.rows; ++i) {
        const auto number = std::to_string(batch * options.rows + i);
        auto value = number;
        if (static_cast<int>(value.size()) < options.bytes) {
            value = '"' +
                    value.append(static_cast<std::size_t>(options.bytes) - value.size(), 'x') + '"';
        }
        rows.push_back({"producer-0:0123456789abcdef:" + number, "producer-0", now, value});
    }
    return rows;
}

void make_table(Database& database, const std::string& table) {
    database.execute("SET client_min_messages = error; DROP TABLE IF EXISTS " + table);
    database.execute("CREATE TABLE " + table +
                     " (id text COLLATE \"C\" PRIMARY KEY, producer text, run text NOT NULL,"
                     " batch bigint NOT NULL, received_at timestamptz NOT NULL,"
                     " value json NOT NULL)");
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse({argc, argv});
    Database database(options.conninfo);
    make_table(database, options.table);
    const auto statement = "INSERT INTO " + options.table +
                           " (id, producer, run, batch, received_at, value)"
                           " SELECT id, producer, $1, $2, received_at, value"
                           " FROM unnest($3::text[], $4::text[], $5::timestamptz[], $6::json[])"
                           " AS message (id, producer, received_at, value)"
                           " ON CONFLICT (id) DO NOTHING RETURNING id";
    std::vector<double> milliseconds;
    for (int batch = 0; batch < options.batches; ++batch) {
        const auto rows = rows_of(batch, options);
        const auto start = bare::now_ns();
        if (insert(database, statement, batch, rows) != options.rows) {
            std::fprintf(stderr, "not all rows were new\n");
            return EXIT_FAILURE;
        }
        milliseconds.push_back(static_cast<double>(bare::now_ns() - start) / 1e6);
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    const auto percentile = [&](std::size_t percent) {
        return milliseconds[milliseconds.size() * percent / 100];
    };
    std::printf("{\"p10_ms\":%.3f,\"median_ms\":%.3f,\"p95_ms\":%.3f,\"batches\":%d,\"rows\":%d}\n",
                percentile(10), percentile(50), percentile(95), options.batches, options.rows);
    return EXIT_SUCCESS;
}
