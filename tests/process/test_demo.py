"""The show of the original: ten producers that count up, one consumer that adds once a second.

Looks at the batch log (both formats), at the punctuality of the ticks, and at the numbering of the
batches.
"""

import datetime
import itertools
import re
import statistics
import unittest

from support.case import BlockyCase
from support.clients import padded
from support.settings import LONG, SANITIZER, scaled
from support.strict_json import strict_json

TEXT_LINE = re.compile(
    r"^(?P<ts>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) batch=(?P<batch>\d+) "
    r"Adding (?P<size>\d+) numbers ✅ Total is (?P<total>-?\d+) 🧮"
    r"( \(held \d+(\.\d+)? ms, processed \d+(\.\d+)? ms\))?$")

JSON_MEMBERS = {"ts", "run", "batch", "size", "bytes", "producers", "trigger", "hold_ms_max",
                "process_ms", "status", "rejected", "duplicates", "summary"}


def milliseconds(ts):
    """The moment that a `ts` of the log names, in ms."""
    moment = datetime.datetime.strptime(ts, "%Y-%m-%dT%H:%M:%S.%fZ")
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000


class Demo(BlockyCase):

    def ten_producers(self, consumer, log="quiet"):
        return [self.producer(consumer.endpoint, "--name", f"p-{n}", log=log) for n in range(10)]

    def test_ten_producers_are_held_and_released_once_a_second(self):
        consumer = self.consumer("--interval", "1s")
        self.assertEqual(consumer.wait_batch()["size"], 0)
        self.ten_producers(consumer)
        ticks = 61 if LONG else 15 if SANITIZER else 9
        lines = consumer.stdout.wait_for_count(ticks, seconds=ticks + 15)[:ticks]
        batches = [strict_json(line) for line in lines]
        self.check_totals(batches)
        self.assertEqual([b["batch"] for b in batches], list(range(1, ticks + 1)))
        self.assertEqual({b["trigger"] for b in batches}, {"timer"})
        if not SANITIZER:
            self.check_punctuality(batches, consumer.starved_ms())

    def check_totals(self, batches):
        if not SANITIZER:
            self.assertEqual([b["size"] for b in batches], [0] + [10] * (len(batches) - 1))
            totals = [10 * n for n in range(len(batches))]
            self.assertEqual([b["summary"] for b in batches], totals)
            return
        pairs = zip(batches, batches[1:])
        steady = list(itertools.dropwhile(lambda pair: {b["size"] for b in pair} != {10}, pairs))
        self.assertGreater(len(steady), 3)
        self.assertEqual({after["summary"] - before["summary"] for before, after in steady}, {10})

    def check_punctuality(self, batches, starved_ms):
        """Against the ideal clock that starts at the most punctual tick.

        What a busy machine kept the consumer from running is not its fault (usually nothing).
        """
        offsets = [milliseconds(b["ts"]) - 1000 * n for n, b in enumerate(batches)]
        lateness = [offset - min(offsets) for offset in offsets]
        self.assertLess(max(lateness), 50 + starved_ms, f"late by (ms): {lateness}")
        drift = statistics.median(offsets[-3:]) - statistics.median(offsets[:3])
        self.assertLess(abs(drift), 20 + starved_ms, f"late by (ms): {lateness}")

    def test_the_first_tick_is_empty_even_if_producers_wait_for_the_consumer(self):
        """It is due when the socket is bound, before any message can have arrived."""
        endpoint = f"ipc://{self.directory}/socket"
        for _ in range(scaled(10)):
            dealer = self.dealer(endpoint)
            tags = dealer.send_all({"value": 1} for _ in range(100))
            consumer = self.consumer("--interval", "100ms", bind=[endpoint])
            self.assertEqual(consumer.wait_batch()["size"], 0)
            dealer.replies(tags)
            self.assertEqual(consumer.stop(), 0)

    def test_the_json_log_has_every_member_in_its_type(self):
        consumer = self.consumer("--interval", "300ms")
        self.ten_producers(consumer)
        batch = consumer.wait_batch(lambda b: b["size"] == 10)
        self.assertEqual(set(batch), JSON_MEMBERS)
        milliseconds(batch["ts"])
        self.assertIsInstance(batch["run"], str)
        expected = {"size": 10, "producers": 10, "trigger": "timer", "status": "ok", "rejected": 0,
                    "duplicates": 0}
        self.assertEqual({name: batch[name] for name in expected}, expected)
        self.assertGreaterEqual(batch["bytes"], 10 * len('{"value":1}'))
        self.assertGreater(batch["hold_ms_max"], 0)
        self.assertLess(batch["hold_ms_max"], 300 + 2000)
        self.assertGreaterEqual(batch["process_ms"], 0)
        self.assertEqual(batch["summary"] % 1, 0)

    def test_an_empty_batch_is_logged_in_json_with_every_member_too(self):
        batch = self.consumer("--interval", "10m").wait_batch()
        self.assertEqual(set(batch), JSON_MEMBERS)
        expected = {"batch": 1, "size": 0, "bytes": 0, "producers": 0, "trigger": "timer",
                    "status": "ok", "rejected": 0, "duplicates": 0, "summary": 0}
        self.assertEqual({name: batch[name] for name in expected}, expected)

    def test_the_text_log_has_the_words_of_the_original(self):
        consumer = self.consumer("--interval", "300ms", log=None)
        first = consumer.stdout.wait_for_count(1)[0]
        self.assertIn("Adding 0 numbers ✅ Total is 0 🧮", first)
        self.ten_producers(consumer, log="text")
        full = consumer.stdout.wait_for_line(lambda line: "Adding 10 numbers ✅" in line)
        self.assertRegex(full, r" batch=\d+ Adding 10 numbers ✅ Total is \d+ 🧮 \(held ")
        matches = [TEXT_LINE.match(line) for line in consumer.stdout.all()]
        self.assertTrue(all(matches), consumer.stdout.all())
        numbers = [int(match["batch"]) for match in matches]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_batches_are_numbered_one_by_one_and_empty_ones_count(self):
        consumer = self.consumer("--interval", "20ms")
        consumer.stdout.wait_for_count(10)
        reply = self.req(consumer.endpoint).ask({"value": 5})
        self.assert_ok(reply, size=1, result=5)
        self.assertGreater(reply["batch"], 10)
        own = consumer.wait_batch(lambda b: b["batch"] == reply["batch"])
        self.assertEqual((own["size"], own["summary"]), (1, 5))
        lines = consumer.stdout.wait_for_count(len(consumer.stdout.all()) + 5)
        numbers = [strict_json(line)["batch"] for line in lines]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_every_run_has_a_name_of_its_own_in_the_log_and_on_stderr(self):
        runs = []
        for _ in range(2):
            consumer = self.consumer("--interval", "10m")
            runs.append(consumer.wait_batch()["run"])
            self.assertTrue(any(runs[-1] in line for line in consumer.stderr.all()),
                            f"run {runs[-1]} is not in {consumer.stderr.all()}")
        self.assertNotEqual(*runs)

    def test_batches_n_ends_the_program_after_n_batches_empty_ones_included(self):
        consumer = self.consumer("--interval", "30ms", "--batches", "4")
        self.assertEqual(consumer.wait(), 0)
        self.assertEqual(len(consumer.stdout.all()), 4)

    def test_what_is_held_after_the_last_batch_is_answered_shutting_down(self):
        consumer = self.consumer("--interval", "10m", "--batches", "2", "--max-bytes", "100")
        consumer.wait_batch()
        dealer = self.dealer(consumer.endpoint)
        first = dealer.send(padded({"value": 1}, 60))
        over = dealer.send(padded({"value": 2, "id": "too-late"}, 60))
        self.assert_ok(dealer.reply(first), batch=2, size=1, result=1)
        self.assert_error(dealer.reply(over), "shutting_down", id="too-late")
        self.assertEqual(consumer.wait(), 0)
        self.assertEqual([b["size"] for b in consumer.batches()], [0, 1])


if __name__ == "__main__":
    unittest.main()
