// The producer's options: defaults, every one of them, and the one line for what is not accepted.
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "producer/options.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/parse_options.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Strings = std::vector<std::string>;

ProducerOptions parsed(const Strings& arguments) {
    const auto options = parse(parse_producer_options, arguments);
    REQUIRE(options);
    return *options;
}

std::string error_of(const Strings& arguments) {
    CAPTURE(arguments.back());
    return usage_error(parse_producer_options, arguments);
}

TEST_CASE("the defaults are those of the contract") {
    const auto options = parsed({});
    CHECK(options.client.endpoints == Strings{"tcp://127.0.0.1:5555"});
    CHECK(options.client.timeout == 10s);
    CHECK_FALSE(options.client.retry_for);
    CHECK(options.client.max_message_bytes == 1U << 20U);
    CHECK_FALSE(options.input);
    CHECK_FALSE(options.replay);
    CHECK_FALSE(options.raw);
    CHECK_FALSE(options.id_field);
    CHECK_FALSE(options.count);
    CHECK_FALSE(options.rate);
    CHECK(options.in_flight == 1);
    CHECK(options.bundle == 1);
    CHECK(options.client.deadline == 0ms);
    CHECK(options.log == ReplyFormat::kText);
}

TEST_CASE("the default name is the host and the process, in at most 64 bytes") {
    const auto name = parsed({}).client.name;
    CHECK(name.ends_with("-" + std::to_string(getpid())));
    CHECK(name.size() <= 64);
}

TEST_CASE("every option sets what it names") {
    const auto options = parsed({"--connect",
                                 "tcp://localhost:1",
                                 "--connect=ipc:///tmp/x",
                                 "--name",
                                 "grüße",
                                 "--input",
                                 "-",
                                 "--count",
                                 "10",
                                 "--rate",
                                 "2.5",
                                 "--timeout",
                                 "250ms",
                                 "--retry-for",
                                 "30s",
                                 "--id-field",
                                 "/a/0",
                                 "--max-message-bytes",
                                 "2KiB",
                                 "--in-flight",
                                 "1000",
                                 "--bundle=100",
                                 "--deadline",
                                 "2s",
                                 "--log",
                                 "json"});
    CHECK(options.client.endpoints == Strings{"tcp://localhost:1", "ipc:///tmp/x"});
    CHECK(options.client.name == "grüße");
    CHECK(options.input == "-");
    CHECK(options.count == 10U);
    CHECK(options.rate == 2.5);
    CHECK(options.client.timeout == 250ms);
    CHECK(options.client.retry_for == 30s);
    REQUIRE(options.id_field);
    CHECK(options.id_field->to_string() == "/a/0");
    CHECK(options.client.max_message_bytes == 2048);
    CHECK(options.in_flight == 1000);
    CHECK(options.bundle == 100);
    CHECK(options.client.deadline == 2s);
    CHECK(options.log == ReplyFormat::kJson);
    CHECK(parsed({"--raw", "--input", "x"}).raw);
    CHECK(parsed({"--log", "quiet"}).log == ReplyFormat::kQuiet);
    CHECK_FALSE(parsed({"--retry-for", "5s", "--retry-for", "forever"}).client.retry_for);
}

TEST_CASE("keys are read from their files, and one is made for this run where none is given") {
    const TemporaryDirectory directory;
    const auto server = make_curve_keys();
    const auto own = make_curve_keys();
    write_curve_keys(server, directory.file("server"));
    write_curve_keys(own, directory.file("own"));
    const Strings with_server{"--curve-server-key", directory.file("server.pub")};
    const auto made = parsed(with_server).client.curve;
    REQUIRE(made);
    CHECK(made->server_key == server.public_key);
    CHECK(is_curve_key(made->keys.public_key));
    auto with_both = with_server;
    with_both.insert(with_both.end(), {"--curve-secret-key", directory.file("own")});
    const auto given = parsed(with_both).client.curve;
    REQUIRE(given);
    CHECK(given->keys.public_key == own.public_key);
    CHECK(given->keys.secret_key == own.secret_key);
    CHECK_FALSE(parsed({}).client.curve);
}

TEST_CASE("a key that cannot be used is told with its file and why") {
    const TemporaryDirectory directory;
    const auto server = directory.file("server");
    write_curve_keys(make_curve_keys(), server);
    check_names(error_of({"--curve-server-key", directory.file("none")}), "--curve-server-key",
                "No such file");
    check_names(error_of({"--curve-server-key", directory.file_with("empty", "")}),
                "--curve-server-key", "0 characters");
    check_names(
        error_of({"--curve-server-key", server + ".pub", "--curve-secret-key", server + ".pub"}),
        "--curve-secret-key", "0644");
    check_names(error_of({"--curve-secret-key", server}), "--curve-secret-key",
                "--curve-server-key");
}

TEST_CASE("what an option does not accept is named together with the option and what it accepts") {
    const std::vector<std::pair<std::string, Strings>> wrong{
        {"--connect", {"127.0.0.1:5555", "tcp://*:5555", "tcp://127.0.0.1:0", "ipc://", ""}},
        {"--name", {"", std::string(65, 'x'), "a\x7F", "\xFF"}},
        {"--input", {""}},
        {"--replay", {""}},
        {"--count", {"0", "-1", "all", ""}},
        {"--rate", {"0", "-1", "nan", "inf", "fast", "1e10", "0.0001", "5/s", ""}},
        {"--timeout", {"0s", "10", ""}},
        {"--retry-for", {"10", "never", ""}},
        {"--id-field", {"id", "/a~2"}},
        {"--max-message-bytes", {"0", "x"}},
        {"--in-flight", {"0", "-1", "100001", "all", ""}},
        {"--bundle", {"0", "-1", "10001", "all", ""}},
        {"--deadline", {"0s", "-1s", "10", ""}},
        {"--log", {"xml", ""}}};
    for (const auto& [option, values] : wrong) {
        for (const auto& value : values) {
            CAPTURE(value);
            const bool printable = value.find('\x7F') == std::string::npos;
            check_names(error_of({option + "=" + value}), option, printable ? value : "?");
        }
    }
}

TEST_CASE("a name has at most 64 bytes, whatever their characters") {
    CHECK(parsed({"--name", std::string(64, 'x')}).client.name.size() == 64);
    check_names(error_of({"--name", std::string(63, 'x') + "ü"}), "--name", "ü");
}

TEST_CASE("--id-field needs lines of JSON to look into") {
    check_names(error_of({"--id-field", "/id"}), "--id-field", "--input");
    check_names(error_of({"--id-field", "/id", "--input", "-", "--raw"}), "--id-field", "--raw");
    CHECK(parsed({"--id-field", "", "--input", "-"}).id_field);  // the whole line
}

TEST_CASE("--replay stands in the place of all that says what is sent") {
    const auto options = parsed({"--replay", "dead", "--in-flight", "100", "--bundle", "10",
                                 "--rate", "5", "--count", "3", "--deadline", "1s"});
    CHECK(options.replay == "dead");
    CHECK(parsed({"--replay", "-"}).replay == "-");
    for (const Strings& other :
         {Strings{"--input", "-"}, Strings{"--raw"}, Strings{"--name", "p"}}) {
        auto arguments = other;
        arguments.insert(arguments.end(), {"--replay", "dead"});
        check_names(error_of(arguments), "--replay", other.front());
    }
    check_names(error_of({"--replay", "dead", "--input", "-", "--id-field", "/id"}), "--replay",
                "--input");
}

TEST_CASE("a deadline is at least a millisecond, and whole ones") {
    CHECK(parsed({"--deadline", "1us"}).client.deadline == 1ms);
    CHECK(parsed({"--deadline", "1500us"}).client.deadline == 2ms);
}

TEST_CASE("--bundle needs several messages in flight") {
    check_names(error_of({"--bundle", "2"}), "--bundle", "--in-flight");
    check_names(error_of({"--bundle", "2", "--in-flight", "1"}), "--bundle", "--in-flight");
    CHECK(parsed({"--bundle", "1"}).bundle == 1);
}

TEST_CASE("what is no option is an error that quotes it") {
    check_names(error_of({"--conect", "x"}), "--conect", "");
    check_names(error_of({"extra"}), "extra", "");
    check_names(error_of({"--timeout"}), "--timeout", "");
}

TEST_CASE("help and version are printed and end the program") {
    const auto help = stdout_of([] { CHECK_FALSE(parse(parse_producer_options, {"--help"})); });
    for (const std::string option :
         {"--connect", "--name", "--input", "--replay", "--raw", "--count", "--rate", "--timeout",
          "--retry-for", "--id-field", "--in-flight", "--bundle", "--deadline",
          "--max-message-bytes", "--log", "--version", "--help"}) {
        CAPTURE(option);
        CHECK(help.find(option) != std::string::npos);
    }
    const auto version =
        stdout_of([] { CHECK_FALSE(parse(parse_producer_options, {"--version"})); });
    CHECK(version.starts_with("blocky-producer "));
}

}  // namespace
}  // namespace blocky::test
