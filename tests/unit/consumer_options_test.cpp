// The consumer's options: defaults, every one of them, and the one line for what is not accepted.
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "consumer/options.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/parse_options.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

using Strings = std::vector<std::string>;

ConsumerOptions parsed(const Strings& arguments) {
    const auto options = parse(parse_consumer_options, arguments);
    REQUIRE(options);
    return *options;
}

std::string error_of(const Strings& arguments) {
    CAPTURE(arguments.back());
    return usage_error(parse_consumer_options, arguments);
}

TEST_CASE("the defaults are those of the contract") {
    const auto options = parsed({});
    CHECK(options.bind == Strings{"tcp://127.0.0.1:5555"});
    CHECK_FALSE(options.insecure);
    CHECK(options.sink.spec == "sum");
    CHECK(options.batcher.interval == 1s);
    CHECK_FALSE(options.batcher.linger);
    CHECK_FALSE(options.batcher.barrier);
    CHECK_FALSE(options.cpus);
    CHECK(options.batcher.max_items == 10'000);
    CHECK(options.batcher.max_bytes == 16U << 20U);
    CHECK(options.batcher.max_held == 100'000);
    CHECK(options.batcher.max_held_bytes == 256U << 20U);
    CHECK(options.batcher.max_held_per_producer == 50'000);
    CHECK(options.batcher.max_held_bytes_per_producer == 128U << 20U);
    CHECK(options.batcher.dedup_window == 1'000'000);
    CHECK_FALSE(options.batcher.answer_on_receipt);
    CHECK(options.max_message_bytes == 1U << 20U);
    CHECK_FALSE(options.retry.give_up_after);
    CHECK(options.retry.first_delay == 100ms);
    CHECK(options.retry.longest_delay == 5s);
    CHECK(options.log == LogFormat::kText);
    CHECK_FALSE(options.batches);
    CHECK(options.stall_after == 30s);
    CHECK(options.watchdog == Watchdog::kLoop);
}

TEST_CASE("the watchdog is for the loop, or for the sink too") {
    CHECK(parsed({"--watchdog", "sink"}).watchdog == Watchdog::kSink);
    CHECK(parsed({"--watchdog", "loop"}).watchdog == Watchdog::kLoop);
    CHECK(parsed({"--stall-after", "2m"}).stall_after == 2min);
}

TEST_CASE("whether it was told where to listen is known") {
    CHECK_FALSE(parsed({}).bind_given);
    CHECK(parsed({"--bind", "tcp://127.0.0.1:5555"}).bind_given);
}

TEST_CASE("every option sets what it names") {
    const auto options = parsed({"--bind",
                                 "tcp://127.0.0.1:*",
                                 "--bind=ipc:///tmp/x",
                                 "--interval",
                                 "250ms",
                                 "--max-items",
                                 "5",
                                 "--max-bytes",
                                 "1KiB",
                                 "--reply",
                                 "immediate",
                                 "--sink",
                                 "sum",
                                 "--max-held",
                                 "7",
                                 "--max-held-bytes",
                                 "1MB",
                                 "--max-held-per-producer",
                                 "6",
                                 "--max-held-bytes-per-producer",
                                 "1000",
                                 "--max-message-bytes",
                                 "2KiB",
                                 "--dedup-window",
                                 "0",
                                 "--retry-for",
                                 "30s",
                                 "--log",
                                 "json",
                                 "--batches",
                                 "3",
                                 "--insecure"});
    CHECK(options.bind == Strings{"tcp://127.0.0.1:*", "ipc:///tmp/x"});
    CHECK(options.batcher.interval == 250ms);
    CHECK(options.batcher.max_items == 5);
    CHECK(options.batcher.max_bytes == 1024);
    CHECK(options.batcher.answer_on_receipt);
    CHECK(options.batcher.max_held == 7);
    CHECK(options.batcher.max_held_bytes == 1'000'000);
    CHECK(options.batcher.max_held_per_producer == 6);
    CHECK(options.batcher.max_held_bytes_per_producer == 1000);
    CHECK(options.max_message_bytes == 2048);
    CHECK(options.batcher.dedup_window == 0);
    CHECK(options.retry.give_up_after == 30s);
    CHECK(options.log == LogFormat::kJson);
    CHECK(options.batches == 3U);
    CHECK(options.insecure);
}

TEST_CASE("a linger may be nothing at all") {
    CHECK(parsed({"--linger", "250us"}).batcher.linger == Duration(250us));
    CHECK(parsed({"--linger=0s"}).batcher.linger == Duration(0s));
}

TEST_CASE("an interval and a linger exclude each other, in either order") {
    for (const Strings& both :
         {Strings{"--interval", "1s", "--linger", "1s"}, Strings{"--linger=0s", "--interval=1s"}}) {
        const auto error = error_of(both);
        check_names(error, "--interval", "");
        check_names(error, "--linger", "");
    }
}

TEST_CASE("a linger excludes an interval wherever that stands") {
    const EnvironmentVariable interval("BLOCKY_INTERVAL", "2s");
    CHECK(parsed({}).batcher.interval == 2s);
    check_names(error_of({"--linger", "1s"}), "--linger", "--interval");
}

TEST_CASE("a barrier has a number behind an equals sign, or none and means one") {
    CHECK(parsed({"--barrier"}).batcher.barrier == 1U);
    CHECK(parsed({"--barrier=1"}).batcher.barrier == 1U);
    CHECK(parsed({"--barrier=250"}).batcher.barrier == 250U);
    const auto options = parsed({"--barrier", "--max-items", "5"});
    CHECK(options.batcher.barrier == 1U);
    CHECK(options.batcher.max_items == 5);
    check_names(error_of({"--barrier=x", "--max-items", "5"}), "--barrier", "x");
}

TEST_CASE("a barrier goes with either timer") {
    CHECK(parsed({"--barrier=3", "--linger", "5ms"}).batcher.barrier == 3U);
    CHECK(parsed({"--interval", "5ms", "--barrier=3"}).batcher.interval == 5ms);
}

TEST_CASE("processors are numbers and ranges") {
    CHECK(parsed({"--cpus", "0,2-3"}).cpus == std::vector<unsigned>{0, 2, 3});
}

TEST_CASE("an option given twice counts as it was given last, but every bind counts") {
    CHECK(parsed({"--max-items", "5", "--max-items", "6"}).batcher.max_items == 6);
    CHECK_FALSE(parsed({"--retry-for", "5s", "--retry-for", "forever"}).retry.give_up_after);
    CHECK(parsed({"--bind", "ipc://a", "--bind", "ipc://b", "--bind", "ipc://c"}).bind.size() == 3);
}

TEST_CASE("localhost is bound by its address, since ZeroMQ binds no names") {
    CHECK(parsed({"--bind", "tcp://localhost:5556"}).bind == Strings{"tcp://127.0.0.1:5556"});
}

TEST_CASE("what an option does not accept is named together with the option and what it accepts") {
    const std::vector<std::pair<std::string, Strings>> wrong{
        {"--bind", {"127.0.0.1:5555", "tcp://127.0.0.1", "udp://127.0.0.1:1", ""}},
        {"--interval", {"0s", "5", "-1s", "soon", ""}},
        {"--linger", {"5", "-1s", "soon", ""}},
        {"--barrier", {"0", "-1", "1.5", "all"}},
        {"--cpus", {"", "all", "-1", "1-", "3-1", "0,", "0 1", "1024", "99999999999999999999"}},
        {"--max-items", {"0", "-1", "1.5", "many", ""}},
        {"--max-bytes", {"0", "-1", "1XB", ""}},
        {"--reply", {"later", "HELD", ""}},
        {"--max-held", {"0", "x", "3000000000"}},
        {"--max-held-bytes", {"0", "x"}},
        {"--max-held-per-producer", {"0", "x", "3000000000"}},
        {"--max-held-bytes-per-producer", {"0", "x"}},
        {"--max-message-bytes", {"0", "257MiB", "x"}},
        {"--dedup-window", {"-1", "x", "3000000000"}},
        {"--retry-for", {"10", "never", ""}},
        {"--dead-letter", {""}},
        {"--log", {"xml", ""}},
        {"--stall-after", {"0s", "30", ""}},
        {"--watchdog", {"Loop", "both", ""}},
        {"--batches", {"0", "x"}},
        {"--ipc-mode", {"", "1000", "0888", "-1", "rw", "0600 "}},
        {"--generate-key", {""}},
        {"--curve-secret-key", {""}},
        {"--curve-allow", {""}},
        {"--sink", {""}},
        {"--table", {""}},
        {"--nats-create",
         {"", "events", ":3", "events:", "events:0", "events:2", "events:7", "a.b:1", "a b:1",
          " :1", "a*:1", ">:1", "a/b:1", "a\\b:1", std::string(256, 'a') + ":1"}},
        {"--exec-timeout", {"", "0s", "10"}},
        {"--config", {""}}};
    for (const auto& [option, values] : wrong) {
        for (const auto& value : values) {
            CAPTURE(value);
            check_names(error_of({option + "=" + value}), option, value);
        }
    }
}

TEST_CASE("a value that is missing is an error that names the option") {
    for (const std::string option : {"--interval", "--bind", "--batches", "--config"}) {
        check_names(error_of({option}), option, "");
        check_names(error_of({option, "--insecure"}), option, "");
    }
}

TEST_CASE("what is no option is an error that quotes it") {
    check_names(error_of({"--intervall", "1s"}), "--intervall", "");
    check_names(error_of({"extra"}), "extra", "");
    check_names(error_of({"-x"}), "-x", "");
    check_names(error_of({"--interval", "1s", "2s"}), "2s", "");
}

TEST_CASE("an error stays on one line, whatever was typed") {
    check_names(error_of({"--interval", "a\nb\x1b"}), "--interval", "a?b?");
}

TEST_CASE("the mode of ipc sockets is octal, and 0600 if nothing is said") {
    CHECK(parsed({}).ipc_mode == 0600);
    CHECK(parsed({"--ipc-mode", "0660"}).ipc_mode == 0660);
    CHECK(parsed({"--ipc-mode=777"}).ipc_mode == 0777);
}

TEST_CASE("keys and the list of keys are read from their files") {
    const TemporaryDirectory directory;
    const auto keys = make_curve_keys();
    write_curve_keys(keys, directory.file("key"));
    const auto list = directory.file_with("allow", keys.public_key + " press-1\n");
    const auto options =
        parsed({"--curve-secret-key", directory.file("key"), "--curve-allow", list});
    CHECK(options.curve.keys.secret_key == keys.secret_key);
    CHECK(options.curve.keys.public_key == keys.public_key);
    CHECK(options.curve.allow.name_of(keys.public_key) == "press-1");
    CHECK(options.curve.allow_file == list);
    CHECK(parsed({}).curve.keys.secret_key.empty());
}

TEST_CASE("a key or a list that cannot be used is told with its file and why") {
    const TemporaryDirectory directory;
    const auto key = directory.file("key");
    write_curve_keys(make_curve_keys(), key);
    const auto list = directory.file_with("allow", "# ours\nnokey\n");
    check_names(error_of({"--curve-secret-key", directory.file("none")}), "--curve-secret-key",
                "No such file");
    check_names(error_of({"--curve-secret-key", key + ".pub"}), "--curve-secret-key", "0644");
    check_names(error_of({"--curve-secret-key", key, "--curve-allow", list}), "--curve-allow",
                "line 2");
    check_names(error_of({"--curve-secret-key", key, "--curve-allow", directory.file("none")}),
                "--curve-allow", "No such file");
    check_names(error_of({"--curve-secret-key", key, "--curve-allow", directory.file("")}),
                "--curve-allow", "directory");
    check_names(error_of({"--curve-allow", list}), "--curve-allow", "--curve-secret-key");
}

TEST_CASE("where keys are to be made nothing else is looked at") {
    CHECK(parsed({"--generate-key", "k", "--bind", "tcp://*:1"}).generate_key == "k");
    const EnvironmentVariable variable("BLOCKY_GENERATE_KEY", "k");
    CHECK_FALSE(parsed({}).generate_key);
}

TEST_CASE("an address that others can reach is bound where connections are encrypted") {
    const TemporaryDirectory directory;
    write_curve_keys(make_curve_keys(), directory.file("key"));
    CHECK(parsed({"--bind", "tcp://*:5555", "--curve-secret-key", directory.file("key")}).bind ==
          Strings{"tcp://*:5555"});
    check_names(error_of({"--bind", "tcp://*:5555"}), "--bind", "--curve-secret-key");
}

TEST_CASE("an address that others can reach needs --insecure said aloud") {
    for (const std::string address :
         {"tcp://*:5555", "tcp://0.0.0.0:1", "tcp://192.168.1.1:1", "tcp://[::]:1"}) {
        check_names(error_of({"--bind", address}), "--bind", address);
        CHECK(parsed({"--bind", address, "--insecure"}).bind == Strings{address});
    }
    check_names(error_of({"--bind", "ipc://a", "--bind", "tcp://*:1"}), "--bind", "tcp://*:1");
}

TEST_CASE("help and version are printed and end the program") {
    const auto help = stdout_of([] { CHECK_FALSE(parse(parse_consumer_options, {"--help"})); });
    for (const std::string option : {"--bind",
                                     "--interval",
                                     "--linger",
                                     "--barrier",
                                     "--cpus",
                                     "--max-items",
                                     "--max-bytes",
                                     "--reply",
                                     "--sink",
                                     "--table",
                                     "--nats-create",
                                     "--exec-timeout",
                                     "--max-held",
                                     "--max-held-bytes",
                                     "--max-message-bytes",
                                     "--dedup-window",
                                     "--retry-for",
                                     "--dead-letter",
                                     "--log",
                                     "--batches",
                                     "--config",
                                     "--insecure",
                                     "--version",
                                     "--help",
                                     "--stall-after",
                                     "--watchdog",
                                     "--max-held-per-producer",
                                     "--max-held-bytes-per-producer"}) {
        CAPTURE(option);
        CHECK(help.find(option) != std::string::npos);
    }
    const auto version =
        stdout_of([] { CHECK_FALSE(parse(parse_consumer_options, {"--version"})); });
    CHECK(version.starts_with("blocky-consumer "));
}

}  // namespace
}  // namespace blocky::test
