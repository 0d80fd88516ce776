"""Many producers on one machine, an idle consumer, and memory: what must not grow with their number
or time.

None of this means anything in a sanitizer build, where it is skipped.
"""

import time
import unittest

from support.case import BlockyCase
from support.programs import Producer
from support.settings import LONG, SANITIZER
from support.strict_json import strict_json


@unittest.skipIf(SANITIZER, "a sanitizer build is too slow and too big for this")
class Scale(BlockyCase):

    def thousand_producers(self, endpoint):
        """The files that the producers print their replies to; their stderr is one file."""
        files = [self.directory / f"p-{n}.json" for n in range(1000)]
        with open(self.directory / "stderr", "ab") as stderr:
            for path in files:
                with open(path, "wb") as stdout:
                    self.keep(Producer("--name", path.stem, connect=(endpoint,), stdout=stdout,
                                       stderr=stderr))
        return files

    def test_a_thousand_producer_processes_are_all_served_and_nobody_starves(self):
        consumer = self.consumer("--interval", "1s")
        files = self.thousand_producers(consumer.endpoint)
        full = consumer.wait_batch(lambda b: b["producers"] == 1000, seconds=60,
                                   what="a batch with all producers")
        first, last = full["batch"] + 1, full["batch"] + 10
        consumer.wait_batch(lambda b: b["batch"] == last + 2, seconds=30)
        turns = [self.turns_in(path, range(first, last + 1)) for path in files]
        starved = [path.stem for path, turn in zip(files, turns) if turn < 8]
        self.assertEqual(starved, [], f"{len(starved)} of 1000 were in fewer than 8 of 10 batches")
        self.assertEqual((self.directory / "stderr").read_text(), "")

    def turns_in(self, path, batches):
        """In how many of these batches the producer that wrote the file had a message."""
        text = path.read_text().rpartition("\n")[0]
        replies = [strict_json(line) for line in text.splitlines()]
        self.assertEqual({reply["status"] for reply in replies}, {"ok"}, path.stem)
        return len({reply.get("batch") for reply in replies} & set(batches))

    def test_with_a_hundred_held_producers_the_consumer_idles_below_one_percent(self):
        seconds = 20 if LONG else 4
        consumer = self.consumer("--interval", f"{seconds}s")
        clients = [self.dealer(consumer.endpoint) for _ in range(100)]
        for client in clients:
            client.send({"value": 1})
            client.sync()
        self.assertEqual(len(consumer.batches()), 1, "the tick came too early for this test")
        cpu, start = consumer.cpu_seconds(), time.monotonic()
        batch = consumer.wait_batch(lambda b: b["batch"] == 2, seconds + 10)
        used, elapsed = consumer.cpu_seconds() - cpu, time.monotonic() - start
        self.assertEqual(batch["size"], 100)
        self.assertGreater(elapsed, seconds / 2)
        self.assertLessEqual(used, 0.01 * elapsed + 0.01, f"{used} s of processor in {elapsed} s")

    def test_memory_is_flat_once_the_dedup_window_is_full(self):
        consumer = self.batching_consumer(1, "--dedup-window", "1000")
        dealer = self.dealer(consumer.endpoint)
        self.push_ids(dealer, 0, 5000)
        before = consumer.rss()
        self.push_ids(dealer, 5000, 100_000 if LONG else 15_000)
        self.assertLess(consumer.rss() - before, 3 * 2**20)

    def push_ids(self, dealer, start, end, window=100):
        """Pushes so many messages with new ids, `window` at a time."""
        for first in range(start, end, window):
            bodies = [{"value": 1, "id": f"id-{n}"} for n in range(first, first + window)]
            for reply in dealer.replies(dealer.send_all(bodies)):
                self.assertEqual(reply["status"], "ok")

    def test_ten_thousand_held_messages_are_released_together(self):
        consumer = self.consumer("--interval", "10m", "--max-items", "10000")
        clients = [self.dealer(consumer.endpoint) for _ in range(500)]
        tags = [client.send_all({"value": 1} for _ in range(20)) for client in clients]
        for client, own in zip(clients, tags):
            for reply in client.replies(own):
                self.assert_ok(reply, batch=2, size=10_000, result=10_000)


if __name__ == "__main__":
    unittest.main()
