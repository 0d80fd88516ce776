// Any bytes as a line that has an id in it: one of the producer's input, at any JSON pointer, and
// one of a file of the sink jsonl.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/json_text.hpp"
#include "common/protocol.hpp"
#include "consumer/sinks/jsonl_line.hpp"
#include "producer/json_id.hpp"
#include "tests/fuzz/demand.hpp"

namespace blocky::fuzz {
namespace {

using Json = nlohmann::json;

std::optional<JsonPointer> pointer_of(std::string_view text) {
    try {
        return JsonPointer(std::string(text));
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

// What a document has at the pointer; nothing where it has nothing.
std::optional<Json> found_in(const Json& document, const JsonPointer& pointer) {
    try {
        return document.at(pointer);
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

// A text of the pointer, a newline, and a line.
void check_pointer(std::string_view text) {
    const auto newline = std::min(text.find('\n'), text.size());
    const auto pointer = pointer_of(text.substr(0, newline));
    if (!pointer) {
        return;
    }
    const auto line = text.substr(std::min(newline + 1, text.size()));
    const auto id = id_at(*pointer, line);
    if (!id) {
        demand(!id.error().empty(), "it is said why there is no id");
        return;
    }
    demand(!id->empty() && id->size() <= kMaxNameBytes && !has_control_character(*id),
           "an id is one that the protocol takes");
    const auto found = found_in(Json::parse(line), *pointer);
    demand(found && (found->is_string() || found->is_number()), "the document has it, too");
    demand(found->is_string() ? *found == *id : *found == Json::parse(*id),
           "the id is the document's");
}

// What the sink writes with that id and producer it finds again.
void check_round_trip(std::string_view producer, std::string_view id, std::string_view value) {
    Batch batch;
    batch.number = 1;
    batch.add(1, producer, id, value);
    JsonlWriter writer("run", 1);
    std::string line;
    writer.append(line, batch.messages.front(), id);
    demand(std::ranges::count(line, '\n') == 1 && line.back() == '\n', "a message is one line");
    demand(Json::accept(line), "a line is JSON");
    demand(jsonl_id(std::string_view(line).substr(0, kJsonlHeadBytes)) == id,
           "an id that was written is found again");
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kMaxNameBytes && is_utf8(text) &&
           !has_control_character(text);
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace blocky;
    auto text = fuzz::text_of(data, size);
    fuzz::check_pointer(text);
    const auto id = jsonl_id(text);
    fuzz::demand(!id || text.starts_with(kJsonlBeginning), "only a line of ours has an id");
    const auto cut = fuzz::take_number(text);
    const auto name = text.substr(0, cut);
    if (fuzz::is_name(name)) {
        const auto rest = text.substr(name.size());
        fuzz::check_round_trip(name, name, is_json(rest) ? rest : "1");
    }
    return 0;
}
