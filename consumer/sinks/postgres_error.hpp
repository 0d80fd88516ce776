// What went wrong with PostgreSQL, and whether the rows are to blame for it.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace blocky {

struct PostgresError {
    std::string sqlstate;  // five characters; empty: not from the server, which may have done it
    std::string reason;    // one line for a person
};

// Who is to blame for an error.
enum class PostgresBlame {
    kRows,       // what is in them: they would be refused again
    kStatement,  // the rows (a policy, a trigger that fails) or what they go to (a table or a right
                 // is missing): the statement without any row tells which
    kElse        // neither: it may pass, or be repaired
};

// Classes: appendix A of PostgreSQL's manual. A trigger may raise any other, those that nobody has
// defined included, so they are not listed.
inline PostgresBlame blame_for(std::string_view sqlstate) {
    constexpr std::array<std::string_view, 5> kOfRows{"22",   // data: no number, a NUL in a text
                                                      "23",   // constraints
                                                      "44",   // WITH CHECK OPTION of a view
                                                      "54",   // more than an index can hold
                                                      "P0"};  // a trigger's RAISE EXCEPTION
    constexpr std::array<std::string_view, 16> kOfElse{
        "",                                  // not from the server
        "08",                                // the connection
        "0B", "25", "26", "2D", "3D", "28",  // the transaction, the session, the login
        "40",                                // a conflict with another transaction
        "53",                                // the server is short of something
        "55",                                // a lock, an object in the wrong state
        "57",                                // an administrator, a timeout
        "58", "F0", "HV", "XX"};  // the server's system, its files, another server, a bug
    const auto in = [&](const auto& classes) {
        return std::ranges::count(classes, sqlstate.substr(0, 2)) > 0;
    };
    if (in(kOfRows)) {
        return PostgresBlame::kRows;
    }
    return in(kOfElse) ? PostgresBlame::kElse : PostgresBlame::kStatement;
}

}  // namespace blocky
