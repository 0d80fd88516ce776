// blocky-producer: takes messages from a source, pushes them, and says what became of each.
#include <cstdlib>
#include <exception>

#include <fmt/format.h>

#include "common/command_line.hpp"
#include "common/curve_options.hpp"
#include "common/logging.hpp"
#include "common/signals.hpp"
#include "producer/options.hpp"
#include "producer/run.hpp"

namespace blocky {
namespace {

constexpr const char* kProgram = "blocky-producer";
constexpr int kUsageError = 2;

}  // namespace
}  // namespace blocky

int main(int argc, char** argv) {
    try {
        blocky::set_up_logging(blocky::kProgram);
        const auto options = blocky::parse_producer_options(argc, argv);
        if (!options) {
            return EXIT_SUCCESS;
        }
        if (options->generate_key) {
            blocky::generate_key(*options->generate_key);
            return EXIT_SUCCESS;
        }
        const blocky::StopSignal stop;
        return blocky::Run(*options, stop)();
    } catch (const blocky::UsageError& error) {
        blocky::print_to_stderr(fmt::format("{}: {}", blocky::kProgram, error.what()));
        return blocky::kUsageError;
    } catch (const std::exception& error) {
        blocky::print_to_stderr(fmt::format("{}: {}", blocky::kProgram, error.what()));
        return EXIT_FAILURE;
    }
}
