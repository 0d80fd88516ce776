// Random requests as text: valid ones with all that the protocol allows, and what becomes of any
// text that is changed here and there.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/random_json.hpp"

namespace blocky::test {

struct Written {
    std::string body;
    std::string value;
    std::string producer;
    std::string id;
};

// A text of 1 to 128 bytes.
inline std::string random_name(Random& random) {
    auto name = random_text(random, random.between(1, 30));
    return random.one_in(10) ? name + std::string(128 - name.size(), 'x') : name;
}

// A valid request with its members in any order, others between them, and any white space.
inline Written random_request(Random& random) {
    Written written;
    written.value = random_json(random);
    std::vector<std::string> members;
    const auto add = [&](const std::string& name, const std::string& json) {
        members.push_back("\"" + name + "\"" + random_space(random) + ":" + random_space(random) +
                          json + random_space(random));
    };
    const auto add_text = [&](const std::string& name, const std::string& text) {
        std::string json;
        append_json_string(json, text);
        add(name, json);
    };
    add(random.one_in(5) ? "v\\u0061lue" : "value", written.value);
    if (random.one_in(2)) {
        written.producer = random_name(random);
        add_text("producer", written.producer);
    }
    if (random.one_in(2)) {
        written.id = random_name(random);
        add_text("id", written.id);
    }
    if (random.one_in(4)) {
        add("v", "1");
    }
    if (random.one_in(4)) {
        add("deadline_ms", std::to_string(random.between(1, 1'000'000)));
    }
    for (auto others = random.below(3); others > 0; --others) {
        add(random.one_in(2) ? "x" : "values", random_json(random));
    }
    for (std::size_t i = members.size(); i > 1; --i) {
        std::swap(members[i - 1], members[random.below(i)]);
    }
    written.body = random_space(random) + "{";
    for (std::size_t i = 0; i < members.size(); ++i) {
        written.body += (i == 0 ? "" : ",") + random_space(random) + members[i];
    }
    written.body += "}" + random_space(random);
    return written;
}

// What the decoder must agree with.
inline bool nlohmann_accepts(const std::string& body) {
    // It skips a byte-order mark and takes a NUL for the end; RFC 8259 has neither.
    return nlohmann::json::accept(body) && !body.starts_with("\xEF\xBB\xBF") &&
           body.find('\0') == std::string::npos;
}

// With one to three changes, each small.
inline std::string mutated(Random& random, std::string body) {
    static const std::vector<std::string> kPieces{"\"value\":1,",
                                                  "\"id\":\"a\",",
                                                  "\"v\":2,",
                                                  "\"v\":1.0,",
                                                  "null",
                                                  "1e999",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  ":",
                                                  "\"",
                                                  "\\",
                                                  "\\ud800",
                                                  "\xFF",
                                                  "\xEF\xBB\xBF",
                                                  " ",
                                                  "\n",
                                                  "//",
                                                  "-",
                                                  "e"};
    for (auto changes = random.between(1, 3); changes > 0; --changes) {
        const auto place = random.below(body.size() + 1);
        const auto size = std::min(random.below(6), body.size() - place);
        switch (random.below(4)) {
            case 0:
                body.erase(place, size);
                break;
            case 1:
                body.insert(place, random.pick(kPieces));
                break;
            case 2:
                body.replace(place, size, random.bytes(size));
                break;
            default:
                body.insert(random.below(body.size() + 1), body.substr(place, size));
        }
    }
    return body;
}

}  // namespace blocky::test
