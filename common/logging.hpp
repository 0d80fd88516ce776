// Diagnostics on stderr, one line each; stdout belongs to the batch log or the replies. From any
// thread, and without waiting for a reader that does not read.
#pragma once

#include <string>

namespace blocky {

// Sets spdlog's default logger up to write "<UTC time> <level> <program>: <text>" to stderr.
// Also makes sure that descriptors 0 to 2 are open, so that no socket or file can take their
// numbers and then be written to as if it were stdout.
void set_up_logging(const std::string& program);

// One plain line to stderr, as it is. A stderr that takes nothing is no reason to fail.
void print_to_stderr(const std::string& line);

// Where stderr is a terminal: shows `text`, which is shorter than a line of it, on the line where
// the cursor is, instead of the text before; empty: nothing. Whatever else is printed takes its
// place, so that it is to be shown again now and then. A terminal that takes nothing is left alone.
void show_status(const std::string& text);

}  // namespace blocky
