// Feeds a target each file of the corpus once, without libFuzzer: what was found stays mended, with
// any compiler and under every sanitizer. FUZZ_TARGET DIRECTORY…
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/demand.hpp"

namespace {

int replay(const std::filesystem::path& directory) {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        // Said before, for a file at which the target aborts.
        std::printf("%s\n", entry.path().c_str());
        std::fflush(stdout);
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(file), {});
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        ++files;
    }
    return files;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        int files = 0;
        for (int i = 1; i < argc; ++i) {
            files += replay(argv[i]);
        }
        std::printf("replayed %d files\n", files);
        return files > 0 ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
