"""kill -9 of the consumer at random moments under load: what was acknowledged is stored exactly
once, whatever the sink.

Twenty producers push lines with ids of their own until each has every one of them acknowledged. The
moments are random in the progress of all producers together, plus some milliseconds. The seed is
printed, and set by BLOCKY_SEED.
"""

import collections
import json
import time

from support import sinks
from support.case import BlockyCase
from support.polling import poll_until
from support.programs import Consumer
from support.settings import LONG, SANITIZER, SLOW, main, seeded_random

KILLS = 50 if LONG else 4
PRODUCERS = 20
LINES = 30 if SANITIZER else 60  # per kill and producer in lock step
LONGEST = (60 + 6 * KILLS) * SLOW  # seconds for all of it


def line_of(producer, number):
    return json.dumps({"id": f"p{producer}-{number}", "n": number})


class Kills:
    """The test, for one adapter."""

    adapter = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.adapter.require()
        cls.server = cls.adapter.start_server(full_size=LONG)
        cls.addClassCleanup(cls.adapter.close_server, cls.server)

    def setUp(self):
        super().setUp()
        self.random = seeded_random(self.id())
        self.sink = self.adapter(self.directory, self.server)
        self.endpoint = f"ipc://{self.directory}/socket"
        self.end = time.monotonic() + LONGEST

    def test_what_is_acknowledged_is_stored_exactly_once(self):
        consumer = self.start_consumer()
        producers = [self.start_producer(i) for i in range(PRODUCERS)]
        total = sum(self.lines(i) for i in range(PRODUCERS))
        for moment in sorted(self.random.randrange(total * 9 // 10) for _ in range(KILLS)):
            self.wait_progress(producers, moment)
            time.sleep(self.random.uniform(0, 0.1))  # the moment, not a condition
            self.assertEqual(consumer.kill9(), -9, consumer.stderr.all())
            consumer = self.start_consumer()
        for producer in producers:
            self.assertEqual(producer.wait(self.end - time.monotonic()), 0)
        self.assertEqual(consumer.stop(), 0)
        self.check(producers)

    def start_consumer(self):
        """Not waited for, so that it may be killed before it is ready, too."""
        return self.keep(Consumer("--linger", "1ms", *self.sink.options, bind=[self.endpoint]))

    def start_producer(self, i):
        """Every fourth one has many messages in flight, and more of them."""
        lines = "\n".join(line_of(i, n) for n in range(self.lines(i)))
        options = ["--in-flight", "32", "--bundle", "8"] if self.is_pipelined(i) else []
        return self.producer(self.endpoint, "--name", f"p{i}", "--input", self.input_file(lines),
                             "--id-field", "/id", *options)

    @staticmethod
    def is_pipelined(i):
        return i % 4 == 3

    def lines(self, i):
        return LINES * KILLS * (4 if self.is_pipelined(i) else 1)

    def wait_progress(self, producers, count):
        """Until so many messages have been acknowledged in all."""
        poll_until(lambda: sum(len(producer.stdout.all()) for producer in producers) >= count,
                   self.end - time.monotonic(), lambda: "progress of the producers")

    def check(self, producers):
        """All was acknowledged, and all that was is there, once and as it was sent."""
        stored = self.sink.stored()
        copies = collections.Counter(message.id for message in stored)
        acknowledged = {r["id"] for producer in producers for r in producer.acknowledged()}
        wanted = {f"p{i}-{n}" for i in range(PRODUCERS) for n in range(self.lines(i))}
        self.assertEqual(len(acknowledged), len(wanted))
        self.assertTrue(acknowledged == wanted, "other ids were acknowledged than were sent")
        missing, strange = wanted - set(copies), set(copies) - wanted
        twice = [name for name, count in copies.items() if count > 1]
        self.assertEqual((len(missing), len(twice), len(strange)), (0, 0, 0),
                         f"missing {sorted(missing)[:5]}, twice {twice[:5]}, strange: "
                         f"{sorted(strange)[:5]}")
        numbers = collections.defaultdict(list)
        for message in stored:
            value = json.loads(message.value)
            self.assertEqual((value["id"], f"{message.producer}-{value['n']}"),
                             (message.id, message.id))
            numbers[message.producer].append(value["n"])
        for i in range(PRODUCERS):
            if not self.is_pipelined(i):
                self.assertEqual(numbers[f"p{i}"], sorted(numbers[f"p{i}"]), "out of order")


class JsonlKills(Kills, BlockyCase):
    adapter = sinks.JsonlSink


class SqliteKills(Kills, BlockyCase):
    adapter = sinks.SqliteSink


class PostgresKills(Kills, BlockyCase):
    adapter = sinks.PostgresSink


class NatsKills(Kills, BlockyCase):
    adapter = sinks.NatsSink


if __name__ == "__main__":
    main()
