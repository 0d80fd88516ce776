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

// Whether the server refuses these rows for what is in them, and would again. All else may pass or
// be repaired: a lost connection (08), a server short of something (53) or going down (57), a lock
// (55), a conflict (40), a standby (25). Nor is a table or a right that is missing (42) any row's
// fault, for the statement is always the same one: who runs the server can repair it, and the
// messages wait with their producers until then. Classes: appendix A of PostgreSQL's manual.
inline bool refuses_the_rows(std::string_view sqlstate) {
    constexpr std::array<std::string_view, 5> kClasses{"22",   // data: no number, a NUL in a text
                                                       "23",   // constraints
                                                       "44",   // WITH CHECK OPTION of a view
                                                       "54",   // more than an index can hold
                                                       "P0"};  // a trigger's RAISE EXCEPTION
    return std::ranges::count(kClasses, sqlstate.substr(0, 2)) > 0;
}

}  // namespace blocky
