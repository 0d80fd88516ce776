// Splits the text of a command into words as a shell would, without a shell: nothing in it is ever
// expanded or run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace blocky {

// Blanks and newlines separate words. As in POSIX's shell (2.2 Quoting): 'text' is literal; in
// "text" a backslash quotes only $ ` " \ and newline; elsewhere it quotes any character, and before
// a newline both vanish. `$`, globs, `~`, `{` and `#` mean nothing. An operator of the shell that
// is not quoted (| & ; < > ( )) is an error, for a shell would not have made it a word.
// The error completes "COMMAND …".
tl::expected<std::vector<std::string>, std::string> split_words(std::string_view text);

}  // namespace blocky
