// Any text as what the sink exec reads: the words of its command, and what the command answers.
#include <algorithm>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/json_text.hpp"
#include "common/json_validator.hpp"
#include "common/protocol.hpp"
#include "consumer/sinks/exec_protocol.hpp"
#include "consumer/sinks/words.hpp"
#include "tests/fuzz/demand.hpp"

namespace blocky::fuzz {
namespace {

using Json = nlohmann::json;

// In single quotes each word stays what it is.
std::string quoted(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) {
        text += " '";
        for (const char character : word) {
            text += character == '\'' ? std::string("'\\''") : std::string(1, character);
        }
        text += '\'';
    }
    return text;
}

void check_words(std::string_view text) {
    const auto words = split_words(text);
    if (!words) {
        demand(!words.error().empty(), "it is said what is wrong with a command");
        return;
    }
    const auto again = split_words(quoted(*words));
    demand(again && *again == *words, "words that are quoted are the same words");
}

void check_verdict(const Verdict& verdict, const Json& item) {
    const bool ok = item["ok"].get<bool>();
    const bool duplicate = ok && item.value("duplicate", Json(false)).get<bool>();
    demand(verdict.processed() == ok, "only what is ok has been processed");
    demand((verdict.kind == Verdict::Kind::kDuplicate) == duplicate, "so it is with duplicates");
    if (verdict.kind == Verdict::Kind::kRejected) {
        demand(!verdict.detail.empty(), "a rejected message is told why");
    } else if (!verdict.detail.empty()) {
        demand(Json::parse(verdict.detail) == item["result"], "a result is the document's");
    }
}

void check_answer(std::string_view line) {
    static JsonValidator validator;
    Batch batch;
    batch.number = 7;
    batch.add(1, "p", "a", "1");
    batch.add(2, "p", "b", "2");
    const auto answer = read_answer(line, batch, validator);
    if (!answer) {
        // Their quotations end with the excerpt.
        demand(!answer.error().empty() && answer.error().size() < 2000,
               "no answer is said briefly");
        return;
    }
    const auto document = Json::parse(line);
    demand(document.value("batch", Json(7)) == 7, "an answer is to this batch");
    if (!*answer) {
        demand(document.contains("error") && !answer->error().reason.empty(), "a failure says why");
        return;
    }
    demand((*answer)->size() == 2 && document["results"].size() == 2, "each message has a verdict");
    for (std::size_t i = 0; i < 2; ++i) {
        check_verdict((**answer)[i], document["results"][i]);
    }
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = blocky::fuzz::text_of(data, size);
    blocky::fuzz::check_words(text);
    blocky::fuzz::check_answer(text);
    return 0;
}
