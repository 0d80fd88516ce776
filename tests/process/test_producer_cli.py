"""The command line of blocky-producer: counting, pace, what it prints, signals and exit codes.

Most tests push into a real consumer whose batches hold one message each, so that its batch log is
the list of all values in their order of arrival.
"""

import os
import pty
import re
import signal
import socket
import unittest

from support.case import BlockyCase
from support.programs import Producer
from support.settings import DEADLINE, SANITIZER, SLOW, scaled

OPTIONS = [
    "--connect", "--name", "--input", "--raw", "--count", "--rate", "--timeout", "--retry-for",
    "--id-field", "--in-flight", "--bundle", "--deadline", "--log", "--version", "--help",
]
BAD_VALUES = {
    "--count": ["abc", "-1", "1.5", "99999999999999999999999"],
    "--rate": ["abc", "-1", "0", ""],
    "--timeout": ["abc", "-1s", "0", "0s", "1x", ""],
    "--retry-for": ["abc", "-1s", "never", ""],
    "--log": ["xml", ""],
    "--name": ["x" * 65, "é" * 33, "a\nb", "a\x7fb"],
    "--connect": ["nonsense", "udp://127.0.0.1:5555", "tcp://127.0.0.1", "tcp://127.0.0.1:port",
                  ""],
    "--id-field": ["id", "a/b", "/a~2"],
}


class Usage(BlockyCase):

    def assert_bad_usage(self, outcome, *words):
        self.assertEqual(outcome.code, 2, outcome)
        self.assertEqual(len(outcome.error_lines), 1, outcome)
        for word in words:
            self.assertIn(word, outcome.stderr)
        self.assertEqual(outcome.stdout, "")

    def producer_ends(self, *options):
        """Were the options taken, it would count to one, find nobody, and exit 3."""
        harmless = [("--count", "1"), ("--retry-for", "100ms")]
        rest = [word for pair in harmless if pair[0] not in options for word in pair]
        return self.run_to_end("blocky-producer", *rest, *options, seconds=DEADLINE / 3)

    def test_help_and_version_are_on_stdout(self):
        outcome = self.run_to_end("blocky-producer", "--help")
        self.assertEqual((outcome.code, outcome.stderr), (0, ""))
        for option in OPTIONS:
            self.assertRegex(outcome.stdout, rf"(?m){option}\b")
        outcome = self.run_to_end("blocky-producer", "--version")
        self.assertEqual((outcome.code, outcome.stderr), (0, ""))
        self.assertRegex(outcome.stdout, r"\d+\.\d+")

    def test_a_bad_value_is_one_line_that_names_the_option_and_the_value(self):
        for option, values in BAD_VALUES.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    outcome = self.producer_ends(option, value)
                    shown = value if value.isascii() and value.isprintable() else ""
                    self.assert_bad_usage(outcome, option, shown[:20])

    def test_unknown_options_stray_arguments_and_missing_values_are_bad_usage(self):
        self.assert_bad_usage(self.producer_ends("--frobnicate"), "--frobnicate")
        self.assert_bad_usage(self.producer_ends("stray"), "stray")
        self.assert_bad_usage(self.run_to_end("blocky-producer", "--rate"), "--rate")

    def test_an_input_that_is_not_there_or_a_directory_is_named(self):
        for option in ("--input", "--replay"):
            for path in (f"{self.directory}/nowhere", str(self.directory)):
                with self.subTest(option=option, path=path):
                    outcome = self.run_to_end("blocky-producer", option, path)
                    self.assert_bad_usage(outcome, option, path)


class Counting(BlockyCase):

    def push(self, *options, log="json", **how):
        """Runs a producer to its end, into a consumer that logs each value as its own batch."""
        consumer = self.batching_consumer(1)
        producer = self.producer(consumer.endpoint, *options, log=log, **how)
        code = producer.wait()
        return code, producer, [b["summary"] for b in self.end(consumer)]

    def test_it_counts_from_one_and_stops_after_count(self):
        code, producer, values = self.push("--count", "5")
        self.assertEqual((code, values), (0, [1, 2, 3, 4, 5]))
        self.assertEqual([r["result"] for r in producer.replies()], [1, 2, 3, 4, 5])
        self.assertEqual(producer.stderr.all(), [])

    def test_the_json_log_is_the_reply_itself(self):
        _, producer, _ = self.push("--count", "3", "--name", "me")
        for number, reply in enumerate(producer.replies(), start=1):
            self.assert_ok(reply, batch=number + 1, size=1, result=number, id=reply["id"])
            self.assertRegex(reply["id"], r"^me:[^:]+:\d+$")

    def test_the_text_log_is_one_line_per_reply(self):
        for log in ("text", None):
            code, producer, _ = self.push("--count", "4", log=log)
            self.assertEqual((code, len(producer.stdout.all())), (0, 4))

    def test_the_quiet_log_is_nothing_at_all(self):
        code, producer, values = self.push("--count", "4", log="quiet")
        self.assertEqual((code, len(values)), (0, 4))
        self.assertEqual(producer.stdout.all() + producer.stderr.all(), [])

    def test_it_holds_one_message_and_waits_for_its_release(self):
        consumer = self.consumer("--interval", "100ms")
        producer = self.producer(consumer.endpoint, "--count", "6")
        self.assertEqual(producer.wait(), 0)
        self.assertEqual([b["size"] for b in self.end(consumer)], [1] * 6)

    def test_the_rate_is_kept_and_even(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--rate", "50", "--count", "51", log="quiet")
        arrivals = [request.arrival for request in fake.serve(51)]
        self.assertEqual(producer.wait(), 0)
        for number, arrival in enumerate(arrivals):
            self.assertGreater(arrival - arrivals[0], 0.020 * number - 0.100, number)
        if not SANITIZER:
            self.assertLess(arrivals[-1] - arrivals[0], 2.0)
            self.assertGreater(arrivals[25] - arrivals[0], 0.35)

    def test_a_rate_below_one_a_second_or_a_huge_one_is_taken(self):
        code, _, values = self.push("--count", "20", "--rate", "1000000")
        self.assertEqual((code, len(values)), (0, 20))

    def test_a_name_of_64_bytes_is_taken(self):
        for name in ("x" * 64, "é" * 32):
            fake = self.fake_consumer()
            producer = self.producer(fake.endpoint, "--name", name, "--count", "1")
            self.assertEqual(fake.serve(1)[0].members["producer"], name)
            self.assertEqual(producer.wait(), 0)

    def test_without_a_name_it_is_host_and_process(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--count", "1")
        name = fake.serve(1)[0].members["producer"]
        self.assertEqual(producer.wait(), 0)
        self.assertEqual(name, f"{os.uname().nodename}-{producer.pid}")

    def test_a_thousand_messages_go_through_in_order(self):
        count = scaled(1000)
        code, _, values = self.push("--count", str(count), log="quiet")
        self.assertEqual((code, values), (0, list(range(1, count + 1))))


class Output(BlockyCase):

    def test_a_stdout_that_fails_does_not_keep_it_from_pushing(self):
        for redirect in (">&-", ">/dev/full"):
            fake = self.fake_consumer()
            producer = self.producer(fake.endpoint, "--count", "5", stdout=None, redirect=redirect)
            self.assertEqual(len({request.id for request in fake.serve(5)}), 5)
            self.assertIn(producer.wait(), (0, 1))

    def progress(self, *options):
        """What a producer writes to a terminal that is its stderr."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        consumer = self.batching_consumer(1)
        producer = self.keep(Producer(*options, connect=(consumer.endpoint,), log="quiet",
                                      progress="auto", stderr=theirs))
        os.close(theirs)
        self.assertEqual(producer.wait(), 0)
        written = b""
        try:
            while chunk := os.read(ours, 65536):
                written += chunk
        except OSError:
            pass
        return written.decode()

    def test_on_a_terminal_there_is_a_progress_line_with_rate_and_percentage(self):
        text = self.progress("--count", "150", "--rate", "100")
        self.assertIn("\r", text)
        self.assertRegex(text, r"\d+ ?%")
        self.assertRegex(text, re.compile(r"/ ?s|per second", re.IGNORECASE))

    def test_without_a_terminal_a_short_run_has_a_summary_alone(self):
        consumer = self.batching_consumer(1)
        producer = self.producer(consumer.endpoint, "--count", "120", "--rate", "100", log="quiet",
                                 progress="auto")
        self.assertEqual(producer.wait(), 0)
        (summary,) = producer.stderr.all()
        self.assertIn("120 sent, 120 acknowledged", summary)


class Signals(BlockyCase):

    def test_a_signal_ends_a_producer_whose_replies_nobody_reads(self):
        consumer = self.batching_consumer(1)
        producer = self.producer(consumer.endpoint, stdout=self.full_pipe())
        consumer.wait_filled(1)
        self.assertEqual(producer.stop(seconds=5 * SLOW), 0)


    def test_a_signal_while_held_waits_two_seconds_and_exits_3(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint)
        request = fake.receive()
        producer.send_signal(signal.SIGTERM)
        self.assertFalse(producer.ended(1.0))
        self.assertEqual(producer.wait(2.5 * SLOW), 3)
        self.assertTrue(any(request.id in line for line in producer.stderr.all()))

    def test_a_signal_while_held_exits_0_when_the_answer_comes_in_time(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            fake = self.fake_consumer()
            producer = self.producer(fake.endpoint)
            request = fake.receive()
            producer.send_signal(number)
            fake.ok(request)
            self.assertEqual(fake.serve_to_end(producer), 0)
            self.assertEqual(producer.replies()[0]["id"], request.id)

    def test_a_signal_ends_a_producer_that_waits_for_input_at_once(self):
        fake = self.fake_consumer()
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        producer = self.producer(fake.endpoint, "--input", "-", stdin=reading)
        os.close(reading)
        os.write(writing, b"1\n")
        fake.serve(1)
        producer.wait_replies(1)
        producer.send_signal(signal.SIGTERM)
        self.assertEqual(producer.wait(1.5 * SLOW), 0)

    def test_a_signal_ends_a_producer_that_paces_itself_at_once(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--rate", "1", "--count", "1000")
        fake.serve(1)
        producer.wait_replies(1)
        producer.send_signal(signal.SIGTERM)
        self.assertEqual(producer.wait(1.5 * SLOW), 0)

    def test_a_signal_ends_a_producer_that_has_no_consumer(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            mute.settimeout(DEADLINE)
            producer = self.producer(f"tcp://127.0.0.1:{mute.getsockname()[1]}")
            mute.accept()[0].close()
            producer.send_signal(signal.SIGTERM)
            self.assertIn(producer.wait(2.5 * SLOW), (0, 3))

    def test_a_signal_in_full_flight_is_an_orderly_end_every_time(self):
        """Whatever call it interrupts."""
        consumer = self.batching_consumer(1)
        for turn in range(scaled(60)):
            producer = self.producer(consumer.endpoint)
            producer.wait_replies(1 + turn)
            self.assertEqual(producer.stop(), 0, producer.stderr.all())

    def test_a_second_signal_ends_it_at_once(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint)
        fake.receive()
        producer.pause()
        producer.send_signal(signal.SIGTERM)
        producer.send_signal(signal.SIGINT)
        producer.resume()
        self.assertIn(producer.wait(1.5 * SLOW), (128 + signal.SIGTERM, 128 + signal.SIGINT))


if __name__ == "__main__":
    unittest.main()
