// Who may connect: the public keys of --curve-allow, a line each, and the names that go with them.
//
//     # the press hall
//     rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7  press-1
//     Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID   # has no name, and may give itself any
//
// Pure and immutable; shared by the threads of the router and of the Authenticator.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <tl/expected.hpp>

namespace blocky {

class AllowList {
public:
    struct Mistake {
        std::size_t line;  // 1, 2, 3 …
        std::string what;  // "the key of line 2 again"
    };
    // From the text of such a file. A malformed line, and a key or a name that stands there twice,
    // are mistakes.
    static tl::expected<AllowList, Mistake> parse(std::string_view text);

    // The name of a key as text, empty if it has none; nothing for a key that may not connect.
    // Valid as long as the list.
    std::optional<std::string_view> name_of(std::string_view key) const;
    // Whether it is the name of a key.
    bool has_name(std::string_view name) const { return names_.contains(name); }
    std::size_t size() const { return names_by_key_.size(); }
    // How many of these keys are not in `other`.
    std::size_t beyond(const AllowList& other) const;

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    std::unordered_map<std::string, std::string, Hash, std::equal_to<>> names_by_key_;
    std::unordered_set<std::string, Hash, std::equal_to<>> names_;
};

}  // namespace blocky
