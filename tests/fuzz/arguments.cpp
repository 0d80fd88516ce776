// Any words as the arguments of either program: accepted, or one line of error.
#include <string>
#include <string_view>
#include <vector>

#include "consumer/options.hpp"
#include "producer/options.hpp"
#include "tests/fuzz/demand.hpp"
#include "tests/fuzz/parsing.hpp"

namespace blocky::fuzz {
namespace {

constexpr std::size_t kMost = 64;

// Parted by newlines; without --config, which would read any file that there is.
std::vector<std::string> arguments_in(std::string_view text) {
    std::vector<std::string> arguments;
    while (!text.empty() && arguments.size() < kMost) {
        const auto end = std::min(text.find('\n'), text.size());
        // As C strings, which is what argv has.
        std::string argument(text.substr(0, std::min(text.find('\0'), end)));
        if (argument.find("config") == std::string::npos) {
            arguments.push_back(std::move(argument));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return arguments;
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace blocky;
    const auto arguments = fuzz::arguments_in(fuzz::text_of(data, size));
    fuzz::parse(parse_consumer_options, arguments);
    if (const auto options = fuzz::parse(parse_producer_options, arguments)) {
        fuzz::demand(!options->client.endpoints.empty(), "a producer has where to go");
        fuzz::demand(!options->client.name.empty(), "a producer has a name");
    }
    return 0;
}
