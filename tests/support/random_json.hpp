// Random JSON as text: every type, every form of a number, escapes, any white space.
#pragma once

#include <string>
#include <vector>

#include "common/json_text.hpp"
#include "tests/support/random.hpp"

namespace blocky::test {

inline std::string random_space(Random& random) {
    static const std::vector<std::string> kSpaces{"", "", "", " ", "\t", "\n", "\r\n", " \n\t "};
    return random.pick(kSpaces);
}

// UTF-8 of that many characters, none of them a control character.
inline std::string random_text(Random& random, std::size_t characters) {
    static const std::vector<std::string> kCharacters{"a",
                                                      "B",
                                                      "7",
                                                      " ",
                                                      "\"",
                                                      "\\",
                                                      "/",
                                                      "{",
                                                      "]",
                                                      ":",
                                                      ",",
                                                      "ü",
                                                      "ß",
                                                      "✅",
                                                      "\xF0\x9F\xA7\xAE",
                                                      "\xC2\x80",
                                                      "\xEF\xBF\xBF",
                                                      "\xEF\xBB\xBF"};
    std::string text;
    for (std::size_t i = 0; i < characters; ++i) {
        text += random.pick(kCharacters);
    }
    return text;
}

// A JSON string, of which some characters are written as escapes.
inline std::string random_string(Random& random) {
    static const std::vector<std::string> kEscapes{
        R"(\n)", R"(\u0000)", R"(\u001f)", R"(\ud834\udd1e)", R"(\/)", R"(\")", R"(\u00FC)"};
    std::string json;
    append_json_string(json, random_text(random, random.below(8)));
    json.pop_back();
    for (auto escapes = random.below(3); escapes > 0; --escapes) {
        json += random.pick(kEscapes);
    }
    return json + '"';
}

inline std::string random_number(Random& random) {
    std::string number = random.one_in(3) ? "-" : "";
    number += random.one_in(4) ? "0" : std::to_string(random.next() >> random.below(64));
    if (random.one_in(6) && !number.ends_with('0')) {
        number += std::to_string(random.next());
    }
    if (random.one_in(4)) {
        number += "." + std::to_string(random.below(10'000));
    }
    if (random.one_in(5)) {
        static const std::vector<std::string> kExponents{"e5", "E+20", "e-7", "E-300", "e00"};
        number += random.pick(kExponents);
    }
    return number;
}

// Nested at most `depth` deep.
inline std::string random_json(Random& random, std::size_t depth = 4) {
    static const std::vector<std::string> kWords{"null", "true", "false"};
    const auto kind = random.below(depth > 0 ? 6 : 4);
    if (kind < 3) {
        return kind == 0 ? random.pick(kWords) : random_number(random);
    }
    if (kind == 3) {
        return random_string(random);
    }
    const bool object = kind == 4;
    std::string json = (object ? "{" : "[") + random_space(random);
    const auto members = random.below(4);
    for (std::size_t i = 0; i < members; ++i) {
        json += i == 0 ? "" : "," + random_space(random);
        if (object) {
            json += random_string(random) + random_space(random) + ":" + random_space(random);
        }
        json += random_json(random, depth - 1) + random_space(random);
    }
    return json + (object ? "}" : "]");
}

}  // namespace blocky::test
