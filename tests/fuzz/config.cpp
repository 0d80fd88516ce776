// Any bytes as the consumer's config file: options within their limits, or one line of error.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "common/endpoint.hpp"
#include "consumer/options.hpp"
#include "tests/fuzz/demand.hpp"
#include "tests/fuzz/parsing.hpp"

namespace blocky::fuzz {
namespace {

// A file in memory that has a name, as an option wants it.
class File {
public:
    File()
        : descriptor_(memfd_create("config", 0)), path_(fmt::format("/dev/fd/{}", descriptor_)) {}
    ~File() { close(descriptor_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    void fill(std::string_view text) const {
        demand(ftruncate(descriptor_, 0) == 0, "the file can be emptied");
        demand(
            pwrite(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
            "the file can be written");
    }
    const std::string& path() const { return path_; }

private:
    int descriptor_;
    std::string path_;
};

void check(const ConsumerOptions& options) {
    const auto& batcher = options.batcher;
    demand(batcher.interval > Duration::zero(), "an interval is over 0");
    demand(batcher.max_items > 0 && batcher.max_bytes > 0, "a batch can hold a message");
    demand(batcher.max_held > 0 && batcher.max_held_bytes > 0, "a message can be held");
    demand(options.max_message_bytes > 0 && options.max_message_bytes <= 256U << 20U,
           "a message's size is bounded");
    demand(!options.bind.empty(), "there is an endpoint");
    demand(
        std::ranges::all_of(options.bind, [](const auto& end) { return is_endpoint(end, true); }),
        "each endpoint is one");
    demand(options.insecure || !options.curve.secret_key_file.empty() ||
               std::ranges::all_of(options.bind, [](const auto& end) { return is_local(end); }),
           "nothing is exposed unsaid");
}

}  // namespace
}  // namespace blocky::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace blocky;
    static const fuzz::File file;
    file.fill(fuzz::text_of(data, size));
    if (const auto options = fuzz::parse(parse_consumer_options, {"--config", file.path()})) {
        fuzz::check(*options);
    }
    return 0;
}
