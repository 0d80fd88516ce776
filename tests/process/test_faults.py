"""Either side is killed or stopped at work: the others go on, and no acknowledgement turns out
untrue.

The values of the producers tell from each sum which message of whom is in it (support/ledger.py),
so the batch logs can be held against the replies, message by message.
"""

import random
import signal
import socket
import time
import unittest

import zmq

from support.case import BlockyCase
from support.clients import Dealer
from support.ledger import MOST, Ledger, lines_of
from support.settings import LONG, SANITIZER, SLOW
from support.strict_json import strict_json


class Neighbour(Dealer):
    """A client with heartbeats, which notices after a second that the consumer does not go on."""

    def _prepare(self):
        super()._prepare()
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, 100)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 1000)
        self.watch()


class Faults(BlockyCase):

    def producers(self, endpoint, *options, count=MOST):
        return [self.producer(endpoint, "--name", f"p-{i}", "--input", self.input_file(lines_of(i)),
                              *options) for i in range(count)]

    def wait_each(self, producers, more):
        """Each producer gets `more` replies from here on."""
        goals = [len(producer.stdout.all()) + more for producer in producers]
        for producer, goal in zip(producers, goals):
            producer.wait_replies(goal)

    def end_all(self, producers, consumer):
        """Ends everybody; the batches of the consumer's run."""
        for producer in producers:
            producer.send_signal(signal.SIGTERM)
        for producer in producers:
            self.assertIn(producer.wait(), (0, 3))
        self.assertEqual(consumer.stop(), 0)
        return consumer.batches()

    def free_port(self):
        """A port below those that outgoing connections get, so that nobody connects to itself."""
        while True:
            port = random.SystemRandom().randrange(15000, 32000)
            try:
                with socket.create_server(("127.0.0.1", port)):
                    return port
            except OSError:
                continue


class KilledProducers(Faults):

    @staticmethod
    def second_full(lines):
        """The second of the first two batches in a row that have ten messages each."""
        batches = [strict_json(line) for line in lines]
        pairs = zip(batches, batches[1:])
        return next((b for a, b in pairs if a["size"] == b["size"] == 10), None)

    def test_when_producers_are_killed_while_held_the_others_are_released_on_time(self):
        interval = 500
        consumer = self.consumer("--interval", f"{interval}ms")
        producers = self.producers(consumer.endpoint)
        full = consumer.stdout.wait_until(self.second_full, what="two full batches in a row")
        for producer in producers:
            producer.stdout.wait_for_line(lambda line: f'"batch":{full["batch"]},' in
                                          line.replace(" ", ""))
        for producer in producers[:3]:
            producer.kill9()
        after = consumer.wait_batch(lambda b: b["batch"] == full["batch"] + 4)
        batches = [b for b in consumer.batches() if full["batch"] < b["batch"] <= after["batch"]]
        self.assertIn(batches[0]["size"], range(7, 11))
        self.assertEqual([b["size"] for b in batches[1:]], [7, 7, 7])
        self.assertEqual({b["trigger"] for b in batches}, {"timer"})
        if not SANITIZER:
            held_ms = max(b["hold_ms_max"] for b in batches)
            self.assertLess(held_ms, interval + 100 + consumer.starved_ms())

    def test_a_killed_producer_that_is_started_again_is_welcome(self):
        consumer = self.consumer("--interval", "50ms")
        for _ in range(5):
            producer = self.producer(consumer.endpoint, "--name", "again")
            producer.wait_replies(2)
            producer.kill9()
        self.assertEqual(consumer.stop(), 0)

    def test_a_hundred_clients_that_vanish_while_held_cost_nobody_a_reply(self):
        consumer = self.consumer("--interval", "10m")
        for _ in range(100):
            gone = self.dealer(consumer.endpoint)
            gone.send({"value": 1})
            gone.sync()
            gone.close()
        dealer = self.dealer(consumer.endpoint)
        tag = dealer.send({"value": 1000})
        dealer.sync()
        consumer.send_signal(signal.SIGTERM)
        self.assert_ok(dealer.reply(tag), size=101, result=1100)
        self.assertEqual(consumer.wait(), 0)


class KilledConsumer(Faults):

    def assert_survives_kills(self, endpoint, kills):
        """All producers go on within 2 s of each restart, and every `ok` is in a log."""
        options = ["--interval", "50ms"]
        consumer = self.consumer(*options, bind=[endpoint])
        producers = self.producers(endpoint)
        runs, restarts = [], []
        for _ in range(kills):
            self.wait_each(producers, 8)
            consumer.kill9()
            runs.append(consumer.batches())
            consumer = self.consumer(*options, bind=[endpoint])
            restarts.append(time.monotonic())
        self.wait_each(producers, 8)
        runs.append(self.end_all(producers, consumer))
        ledger = Ledger(self, runs)
        for number, producer in enumerate(producers):
            ledger.check_replies(number, producer.replies())
            ledger.check_once(number)
            self.check_comebacks(ledger, producer, restarts)

    def check_comebacks(self, ledger, producer, restarts):
        replies = zip(producer.stdout.timed(), producer.replies())
        arrivals = [(ledger.run_of(reply), moment) for (moment, _), reply in replies]
        for run, restart in enumerate(restarts, start=1):
            first = min(moment for number, moment in arrivals if number == run)
            self.assertLess(first - restart, 2.0 * SLOW, f"{producer.argv} after restart {run}")

    def test_after_kill_9_and_restart_on_the_same_port_everybody_goes_on(self):
        self.assert_survives_kills(f"tcp://127.0.0.1:{self.free_port()}", 20 if LONG else 3)

    def test_after_kill_9_and_restart_on_the_same_ipc_path_everybody_goes_on(self):
        self.assert_survives_kills(f"ipc://{self.directory}/socket", 20 if LONG else 2)

    def test_producers_may_be_there_before_the_consumer(self):
        for endpoint in (f"ipc://{self.directory}/socket", f"tcp://127.0.0.1:{self.free_port()}"):
            with self.subTest(endpoint=endpoint):
                producers = self.producers(endpoint, count=5)
                consumer = self.consumer("--interval", "50ms", bind=[endpoint])
                self.wait_each(producers, 3)
                run = self.end_all(producers, consumer)
                for number, producer in enumerate(producers):
                    Ledger(self, [run]).check_replies(number, producer.replies())

    def test_a_consumer_that_drains_and_is_started_again_loses_nothing_and_doubles_nothing(self):
        endpoint = f"ipc://{self.directory}/socket"
        consumer = self.consumer("--interval", "50ms", bind=[endpoint])
        producers = self.producers(endpoint, count=5)
        runs = []
        for _ in range(3):
            self.wait_each(producers, 4)
            self.assertEqual(consumer.stop(), 0)
            runs.append(consumer.batches())
            consumer = self.consumer("--interval", "50ms", bind=[endpoint])
        self.wait_each(producers, 4)
        runs.append(self.end_all(producers, consumer))
        ledger = Ledger(self, runs)
        for number, producer in enumerate(producers):
            ledger.check_replies(number, producer.replies())
            ledger.check_all(number)

    def test_with_two_consumers_producers_change_over_when_one_is_killed(self):
        first = self.consumer("--interval", "50ms")
        second = self.consumer("--interval", "50ms")
        producers = self.producers(first.endpoint, "--connect", second.endpoint,
                                   "--timeout", "500ms", count=5)
        self.wait_each(producers, 4)
        first.kill9()
        self.wait_each(producers, 4)
        runs = [first.batches(), self.end_all(producers, second)]
        for number, producer in enumerate(producers):
            Ledger(self, runs).check_replies(number, producer.replies())
            Ledger(self, runs).check_all(number)


class StoppedConsumer(Faults):

    def test_while_the_consumer_is_stopped_resends_pile_up_but_nothing_counts_twice(self):
        """Timeouts are 200 ms and the stop takes a second, so everybody sends several times."""
        consumer = self.consumer("--interval", "50ms")
        producers = self.producers(consumer.endpoint, "--timeout", f"{200 * SLOW}ms")
        for _ in range(5 if LONG else 2):
            self.wait_each(producers, 4)
            neighbour = self._client(Neighbour, consumer.endpoint)
            neighbour.wait_connected()
            consumer.pause()
            neighbour.wait_disconnected()
            consumer.resume()
        self.wait_each(producers, 4)
        ledger = Ledger(self, [self.end_all(producers, consumer)])
        for number, producer in enumerate(producers):
            ledger.check_replies(number, producer.replies())
            ledger.check_once(number)
            ledger.check_all(number)

    def test_a_stopped_producer_holds_nobody_up_and_goes_on_when_it_may(self):
        consumer = self.consumer("--interval", "50ms")
        producers = self.producers(consumer.endpoint, count=4)
        self.wait_each(producers, 2)
        producers[0].pause()
        self.wait_each(producers[1:], 10)
        producers[0].resume()
        self.wait_each(producers, 3)
        ledger = Ledger(self, [self.end_all(producers, consumer)])
        for number, producer in enumerate(producers):
            ledger.check_replies(number, producer.replies())
            ledger.check_once(number)


class Sabotage(Faults):

    def test_bad_clients_and_killed_ones_leave_honest_producers_alone(self):
        consumer = self.consumer("--interval", "50ms", "--max-message-bytes", "10000")
        producers = self.producers(consumer.endpoint, count=5)
        for _ in range(10):
            bad = self.dealer(consumer.endpoint)
            bad.watch()
            bad.send_frames([b"x"] * 500)
            bad.send_all([b"bad", b"[" * 9000, b"{" * 10001, {"value": 1, "id": ""}])
            bad.sync()
            bad.send(b"x" * 50_000)
            bad.wait_disconnected()
            bad.close()
            victim = self.producer(consumer.endpoint)
            victim.wait_replies(1)
            victim.kill9()
        self.wait_each(producers, 3)
        self.end_all(producers, consumer)
        for producer in producers:
            self.assertEqual({reply["status"] for reply in producer.replies()}, {"ok"})


if __name__ == "__main__":
    unittest.main()
