"""The command line of blocky-consumer: help, bad values, endpoints that can not or must not be
bound.

Bad usage is exit 2 and one line on stderr that names the option and what it got; a port in use is
exit 1.
"""

import socket
import unittest

from support.case import BlockyCase
from support.settings import DEADLINE

OPTIONS = ["--bind", "--interval", "--max-items", "--max-bytes", "--reply", "--sink", "--max-held",
           "--max-held-bytes", "--max-message-bytes", "--dedup-window", "--retry-for", "--log",
           "--max-held-per-producer", "--max-held-bytes-per-producer", "--batches", "--config", "--insecure", "--version", "--help"]

BAD_DURATIONS = ["abc", "-1s", "1x", "s", "1 s x", "1e99s", "99999999999999999999s"]
BAD_COUNTS = ["abc", "-1", "1.5", "10x", "99999999999999999999999"]
BAD_SIZES = ["abc", "-1", "10XiB", "MiB", "99999999999999999999999MiB"]
BAD_VALUES = {
    "--interval": [*BAD_DURATIONS, "0", "0s", "0ms", ""],
    "--retry-for": [*BAD_DURATIONS, "never", ""],
    "--max-items": [*BAD_COUNTS, "0", ""],
    "--max-held": [*BAD_COUNTS, "0"],
    "--max-held-per-producer": [*BAD_COUNTS, "0"],
    "--max-held-bytes-per-producer": [*BAD_SIZES, "0"],
    "--dedup-window": BAD_COUNTS,
    "--batches": BAD_COUNTS,
    "--max-bytes": [*BAD_SIZES, "0", ""],
    "--max-held-bytes": [*BAD_SIZES, "0"],
    "--max-message-bytes": [*BAD_SIZES, "0"],
    "--reply": ["later", "HELD ", ""],
    "--log": ["xml", ""],
    "--sink": ["nosuch", "nosuch:thing", ""],
    "--bind": [
        "nonsense", "udp://127.0.0.1:5555", "inproc://x", "tcp://127.0.0.1", "tcp://", "ipc://",
        "tcp://127.0.0.1:99999", "tcp://127.0.0.1:port", "",
    ],
}
ACCEPTS = {"--reply": ["held", "immediate"], "--log": ["text", "json"], "--sink": ["sum"],
           "--interval": ["ms"], "--bind": ["tcp://", "ipc://"]}


class Usage(BlockyCase):

    def consumer_ends(self, *options, **how):
        return self.run_to_end("blocky-consumer", *options, seconds=DEADLINE / 3, **how)

    def assert_bad_usage(self, outcome, *words):
        self.assertEqual(outcome.code, 2, outcome)
        self.assertEqual(len(outcome.error_lines), 1, outcome)
        for word in words:
            self.assertIn(word, outcome.stderr)
        self.assertEqual(outcome.stdout, "")

    def test_help_names_every_option_on_stdout(self):
        outcome = self.consumer_ends("--help")
        self.assertEqual((outcome.code, outcome.stderr), (0, ""))
        for option in OPTIONS:
            self.assertRegex(outcome.stdout, rf"(?m){option}\b")

    def test_version_is_one_line_on_stdout(self):
        outcome = self.consumer_ends("--version")
        self.assertEqual((outcome.code, outcome.stderr), (0, ""))
        self.assertRegex(outcome.stdout, r"\d+\.\d+")
        self.assertEqual(len(outcome.stdout.splitlines()), 1)

    def test_a_bad_value_is_one_line_that_names_the_option_and_the_value(self):
        for option, values in BAD_VALUES.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    outcome = self.consumer_ends(option, value)
                    self.assert_bad_usage(outcome, option, value.strip(), *ACCEPTS.get(option, []))

    def test_the_same_goes_for_the_other_spelling_with_an_equals_sign(self):
        self.assert_bad_usage(self.consumer_ends("--interval=soon"), "--interval", "soon")
        self.assert_bad_usage(self.consumer_ends("--max-items=-3"), "--max-items", "-3")

    def test_an_option_without_its_value_is_bad_usage(self):
        for option in ["--interval", "--bind", "--max-items", "--config"]:
            with self.subTest(option=option):
                self.assert_bad_usage(self.consumer_ends(option), option)

    def test_an_unknown_option_is_bad_usage(self):
        self.assert_bad_usage(self.consumer_ends("--frobnicate"), "--frobnicate")
        self.assert_bad_usage(self.consumer_ends("--intervall", "1s"), "--intervall")

    def test_an_argument_without_an_option_is_bad_usage(self):
        self.assert_bad_usage(self.consumer_ends("stray"), "stray")

    def test_good_values_of_every_kind_are_taken(self):
        for options in (["--interval", "500us"], ["--interval", "10ms"], ["--interval", "2m"],
                        ["--max-bytes", "1MiB", "--max-held-bytes", "2GiB"],
                        ["--retry-for", "forever"], ["--retry-for", "30s"],
                        ["--sink", "sum"], ["--reply", "held"], ["--dedup-window", "0"],
                        ["--batches=1000000", "--interval=1s"]):
            with self.subTest(options=options):
                consumer = self.consumer(*options)
                consumer.wait_batch()
                self.assertEqual(consumer.stop(), 0)


class Endpoints(BlockyCase):

    def assert_refused(self, outcome, code, *words):
        self.assertEqual(outcome.code, code, outcome)
        self.assertEqual(len(outcome.error_lines), 1, outcome)
        for word in words:
            self.assertIn(word, outcome.stderr)

    def test_the_default_endpoint_is_port_5555_of_the_loopback(self):
        outcome = self.run_to_end("blocky-consumer", "--help")
        self.assertIn("tcp://127.0.0.1:5555", outcome.stdout)

    def test_a_wildcard_port_is_printed_as_the_real_one(self):
        for endpoint in ("tcp://127.0.0.1:*", "tcp://127.0.0.1:0"):
            consumer = self.consumer("--interval", "10m", bind=[endpoint])
            self.assertRegex(consumer.endpoint, r"^tcp://127\.0\.0\.1:[1-9]\d+$")

    def test_the_listening_lines_are_plain_one_per_endpoint_whatever_the_log(self):
        for log in ("text", "json"):
            binds = ["tcp://127.0.0.1:*", f"ipc://{self.directory}/{log}"]
            consumer = self.consumer("--interval", "10m", bind=binds, log=log, endpoints=2)
            lines = [line for line in consumer.stderr.all() if "listening on " in line]
            self.assertEqual(len(lines), 2)
            self.assertTrue(lines[1].endswith(f"listening on {binds[1]}"), lines)
            self.assertFalse(any("\x1b" in line or line.startswith("{") for line in lines))

    def test_a_port_in_use_is_exit_1_and_names_the_address(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            outcome = self.run_to_end("blocky-consumer", "--bind", f"tcp://{address}")
        self.assert_refused(outcome, 1, address)

    def test_a_port_that_a_consumer_serves_is_refused_and_that_consumer_goes_on(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        req.ask({"value": 1})
        outcome = self.run_to_end("blocky-consumer", "--bind", consumer.endpoint)
        self.assert_refused(outcome, 1, consumer.endpoint.removeprefix("tcp://"))
        self.assert_ok(req.ask({"value": 2}), batch=3, result=2)

    def test_if_one_of_several_endpoints_is_in_use_nothing_is_served(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            outcome = self.run_to_end("blocky-consumer", "--bind", "tcp://127.0.0.1:*",
                                      "--bind", f"tcp://{address}")
        self.assert_refused(outcome, 1, address)
        self.assertEqual(outcome.stdout, "")

    def test_an_address_beyond_the_loopback_needs_insecure_said_aloud(self):
        for endpoint in ("tcp://*:*", "tcp://0.0.0.0:*", "tcp://192.0.2.1:5555", "tcp://[::]:*"):
            with self.subTest(endpoint=endpoint):
                outcome = self.run_to_end("blocky-consumer", "--bind", endpoint)
                self.assert_refused(outcome, 2, "--bind", endpoint, "--insecure")

    def test_with_insecure_it_serves_every_interface(self):
        consumer = self.batching_consumer(1, "--insecure", bind=["tcp://*:*"])
        port = consumer.endpoint.rpartition(":")[2]
        reply = self.req(f"tcp://127.0.0.1:{port}").ask({"value": 1})
        self.assert_ok(reply, result=1)

    def test_another_address_of_the_loopback_needs_nothing(self):
        consumer = self.batching_consumer(1, bind=["tcp://127.0.0.2:*"])
        self.assert_ok(self.req(consumer.endpoint).ask({"value": 1}))

    def test_an_ipc_endpoint_that_is_served_is_refused_and_the_first_consumer_goes_on(self):
        endpoint = f"ipc://{self.directory}/socket"
        consumer = self.batching_consumer(1, bind=[endpoint])
        before = self.req(endpoint)
        before.ask({"value": 1})
        for _ in range(3):
            outcome = self.run_to_end("blocky-consumer", "--bind", endpoint)
            self.assert_refused(outcome, 1, endpoint)
        self.assert_ok(before.ask({"value": 2}), batch=3)
        self.assert_ok(self.req(endpoint).ask({"value": 3}), batch=4)
        self.assertEqual(consumer.stop(), 0)

    def test_an_ipc_endpoint_is_free_again_after_its_consumer_has_ended(self):
        endpoint = f"ipc://{self.directory}/socket"
        for end in ("stop", "kill9", "stop"):
            consumer = self.batching_consumer(1, bind=[endpoint])
            self.assert_ok(self.req(endpoint).ask({"value": 1}), batch=2)
            self.assertEqual(getattr(consumer, end)(), -9 if end == "kill9" else 0)

    def test_an_ipc_path_in_a_directory_that_is_not_there_is_exit_1(self):
        endpoint = f"ipc://{self.directory}/nowhere/socket"
        self.assert_refused(self.run_to_end("blocky-consumer", "--bind", endpoint), 1, endpoint)


class EmptyValues(BlockyCase):

    def test_an_option_without_its_value_does_not_take_the_next_argument(self):
        for option in ("--log", "--interval", "--bind"):
            outcome = self.run_to_end("blocky-consumer", f"{option}=", "--batches", "1")
            self.assertEqual(outcome.code, 2)
            self.assertEqual(len(outcome.error_lines), 1)
            self.assertIn(f'{option}: got ""; accepts', outcome.stderr)

    def test_an_unknown_option_is_named_and_not_its_value(self):
        outcome = self.run_to_end("blocky-consumer", "--lingre", "0s")
        self.assertEqual(outcome.code, 2)
        self.assertIn('got "--lingre", which is no option', outcome.stderr)


if __name__ == "__main__":
    unittest.main()
