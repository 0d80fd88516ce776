// One pass over the text, a character or a quotation at a time.
#include "consumer/sinks/words.hpp"

#include <utility>

#include <fmt/format.h>

namespace blocky {
namespace {

class WordSplitter {
public:
    explicit WordSplitter(std::string_view text) : rest_(text) {}

    tl::expected<std::vector<std::string>, std::string> split() {
        while (!rest_.empty() && problem_.empty()) {
            take(next());
        }
        end_word();
        if (!problem_.empty()) {
            return tl::make_unexpected(std::move(problem_));
        }
        return std::move(words_);
    }

private:
    char next() {
        const char first = rest_.front();
        rest_.remove_prefix(1);
        return first;
    }

    void take(char character) {
        constexpr std::string_view kOperators = "|&;<>()";
        if (character == ' ' || character == '\t' || character == '\n') {
            end_word();
        } else if (character == '\'' || character == '"') {
            take_quoted(character);
        } else if (character == '\\') {
            take_escaped();
        } else if (kOperators.find(character) != std::string_view::npos) {
            problem_ = fmt::format(
                "has a {} that only a shell understands: quote it, or use exec-sh:", character);
        } else {
            append(character);
        }
    }

    void take_quoted(char quote) {
        in_word_ = true;  // '' is a word, too
        while (!rest_.empty()) {
            const char character = next();
            if (character == quote) {
                return;
            }
            if (character == '\\' && quote == '"' && !rest_.empty()) {
                take_escaped_in_quotes();
            } else {
                append(character);
            }
        }
        problem_ = fmt::format("has a {} that is never closed", quote);
    }

    void take_escaped_in_quotes() {
        constexpr std::string_view kQuotable = "$`\"\\";
        const char character = next();
        if (character == '\n') {
            return;
        }
        if (kQuotable.find(character) == std::string_view::npos) {
            append('\\');
        }
        append(character);
    }

    void take_escaped() {
        if (rest_.empty()) {
            problem_ = "ends in a backslash";
            return;
        }
        const char character = next();
        if (character != '\n') {
            append(character);
        }
    }

    void append(char character) {
        word_ += character;
        in_word_ = true;
    }

    void end_word() {
        if (std::exchange(in_word_, false)) {
            words_.push_back(std::exchange(word_, {}));
        }
    }

    std::string_view rest_;
    std::vector<std::string> words_;
    std::string word_;
    bool in_word_ = false;
    std::string problem_;
};

}  // namespace

tl::expected<std::vector<std::string>, std::string> split_words(std::string_view text) {
    return WordSplitter(text).split();
}

}  // namespace blocky
