// Where an option may be set: command line over environment over config file over default.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "consumer/options.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/parse_options.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Strings = std::vector<std::string>;

struct Precedence {
    ConsumerOptions parsed(Strings arguments, const std::string& config = {}) {
        if (!config.empty()) {
            arguments.insert(arguments.begin(), {"--config", directory.file_with("c", config)});
        }
        const auto options = parse(parse_consumer_options, arguments);
        REQUIRE(options);
        return *options;
    }
    std::string error_of(const std::string& config) {
        return usage_error(parse_consumer_options, {"--config", directory.file_with("c", config)});
    }
    TemporaryDirectory directory;
};

TEST_CASE_FIXTURE(Precedence, "the command line wins over environment, file and default") {
    const std::string config = "max-items = 3\n";
    CHECK(parsed({}).batcher.max_items == 10'000);
    CHECK(parsed({}, config).batcher.max_items == 3);
    const EnvironmentVariable variable("BLOCKY_MAX_ITEMS", "4");
    CHECK(parsed({}).batcher.max_items == 4);
    CHECK(parsed({}, config).batcher.max_items == 4);
    CHECK(parsed({"--max-items", "5"}, config).batcher.max_items == 5);
}

TEST_CASE_FIXTURE(Precedence, "every source adds what the stronger ones leave open") {
    const EnvironmentVariable variable("BLOCKY_INTERVAL", "20ms");
    const auto options =
        parsed({"--log", "json"}, "max-items = 3\ninterval = \"5s\"\nlog = \"text\"\n");
    CHECK(options.log == LogFormat::kJson);
    CHECK(options.batcher.interval == 20ms);
    CHECK(options.batcher.max_items == 3);
    CHECK(options.batcher.max_held == 100'000);
}

TEST_CASE_FIXTURE(Precedence, "a stronger source replaces all endpoints of a weaker one") {
    const std::string config = "bind = [\"ipc://c1\", \"ipc://c2\"]\n";
    CHECK(parsed({}, config).bind == Strings{"ipc://c1", "ipc://c2"});
    const EnvironmentVariable variable("BLOCKY_BIND", " ipc://e1  ipc://e2 ");
    CHECK(parsed({}, config).bind == Strings{"ipc://e1", "ipc://e2"});
    CHECK(parsed({"--bind", "ipc://a"}, config).bind == Strings{"ipc://a"});
}

TEST_CASE_FIXTURE(Precedence, "a flag takes true or false from file and environment") {
    CHECK(parsed({}, "insecure = true\n").insecure);
    CHECK_FALSE(parsed({}, "insecure = false\n").insecure);
    const EnvironmentVariable variable("BLOCKY_INSECURE", "true");
    CHECK(parsed({}).insecure);
    CHECK(parsed({"--bind", "tcp://*:1"}, "insecure = false\n").insecure);
}

TEST_CASE_FIXTURE(Precedence, "a file may be TOML or INI, with comments and empty lines") {
    const auto options = parsed({},
                                "# Blocky\n\ninterval=\"2s\"\nmax-bytes = 1MiB\n"
                                "; INI\nretry-for = 'forever'\nbatches = 12\n");
    CHECK(options.batcher.interval == 2s);
    CHECK(options.batcher.max_bytes == 1U << 20U);
    CHECK(options.batches == 12U);
    CHECK_FALSE(options.retry.give_up_after);
}

TEST_CASE_FIXTURE(Precedence, "the environment may name the file") {
    const EnvironmentVariable variable("BLOCKY_CONFIG", directory.file_with("e", "max-held = 9\n"));
    CHECK(parsed({}).batcher.max_held == 9);
    CHECK(parsed({}, "max-held = 8\n").batcher.max_held == 8);
}

TEST_CASE_FIXTURE(Precedence, "an environment variable that is empty is not set") {
    const EnvironmentVariable variable("BLOCKY_INTERVAL", "");
    CHECK(parsed({}).batcher.interval == 1s);
}

TEST_CASE_FIXTURE(Precedence, "an error says where the value came from") {
    const auto from_file = error_of("interval = \"soon\"\n");
    check_names(from_file, "interval", "soon");
    check_names(from_file, directory.file("c"), "soon");
    const EnvironmentVariable variable("BLOCKY_MAX_ITEMS", "many");
    check_names(usage_error(parse_consumer_options, {}), "BLOCKY_MAX_ITEMS", "many");
}

TEST_CASE_FIXTURE(Precedence, "a flag that is neither true nor false is an error") {
    check_names(error_of("insecure = \"perhaps\"\n"), "insecure", "perhaps");
    const EnvironmentVariable variable("BLOCKY_INSECURE", "perhaps");
    check_names(usage_error(parse_consumer_options, {}), "BLOCKY_INSECURE", "perhaps");
}

TEST_CASE_FIXTURE(Precedence, "what is no option has no place in a file") {
    check_names(error_of("intervall = \"1s\"\n"), "intervall", directory.file("c"));
    check_names(error_of("[batches]\ninterval = \"1s\"\n"), "batches", directory.file("c"));
    for (const std::string name : {"help", "version", "config"}) {
        check_names(error_of(name + " = true\n"), name, directory.file("c"));
    }
}

TEST_CASE_FIXTURE(Precedence, "a file that cannot be read is an error that names it") {
    const auto missing = directory.file("missing");
    check_names(usage_error(parse_consumer_options, {"--config", missing}), "--config", missing);
}

TEST_CASE_FIXTURE(Precedence, "addresses are checked wherever they come from") {
    check_names(error_of("bind = \"tcp://*:5555\"\n"), "bind", "tcp://*:5555");
    const EnvironmentVariable variable("BLOCKY_BIND", "tcp://0.0.0.0:1");
    check_names(usage_error(parse_consumer_options, {}), "bind", "tcp://0.0.0.0:1");
}

TEST_CASE_FIXTURE(Precedence, "help wins over an environment that is wrong") {
    const EnvironmentVariable variable("BLOCKY_INTERVAL", "nonsense");
    stdout_of([] { CHECK_FALSE(parse(parse_consumer_options, {"--help"})); });
}

}  // namespace
}  // namespace blocky::test
