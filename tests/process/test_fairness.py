"""One producer cannot keep another out: what it may hold is bounded for it alone, whatever it sends
and whether or not it reads its replies.
"""

import unittest

from support.case import BlockyCase
from support.clients import padded
from support.flood import Flood
from support.settings import DEADLINE, SANITIZER, scaled, value_bytes


class Shares(BlockyCase):

    def test_a_flood_of_a_million_keeps_nobody_out_of_the_next_batch(self):
        """Its sender reads nothing. Of --max-held, half stays free for the others."""
        interval = "2s" if SANITIZER else "500ms"
        consumer = self.consumer("--interval", interval, "--max-items", "200000")
        req = self.req(consumer.endpoint)
        flood = self.keep(Flood(consumer.endpoint, scaled(1_000_000)))
        crowded = consumer.wait_batch(lambda b: b["size"] >= 40_000, 4 * DEADLINE,
                                      "a batch full of the flood's messages")
        self.assertLessEqual(crowded["size"], 50_001)
        numbers, fullest = [], 0
        while not numbers or len(numbers) < 3 or not flood.stdout.all():
            reply = req.ask({"value": 1})
            self.assertEqual(reply["status"], "ok", reply)
            numbers.append(reply["batch"])
            fullest = max(fullest, reply["size"])
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertGreater(fullest, 1000, "the flood was over before it was measured")

    def test_over_its_share_one_producer_is_busy_and_no_other(self):
        consumer = self.consumer("--interval", "10m", "--max-held-per-producer", "3")
        greedy, other = self.dealer(consumer.endpoint), self.dealer(consumer.endpoint)
        *held, over = greedy.send_all({"value": n} for n in range(4))
        refusal = greedy.reply(over)
        self.assert_error(refusal, "busy")
        self.assertIn("--max-held-per-producer", refusal["message"])
        held += other.send_all({"value": n} for n in range(3))
        other.sync()
        self.assertEqual(other.answered(), [])
        self.assertEqual(consumer.stop(), 0)
        self.assertEqual(len(greedy.replies(held[:3]) + other.replies(held[3:])), 6)

    def test_large_messages_have_a_share_of_their_own(self):
        consumer = self.consumer("--interval", "10m", "--max-held-bytes", "1000",
                                 "--max-held-bytes-per-producer", "500")
        greedy = self.dealer(consumer.endpoint)
        tags = greedy.send_all([padded({"value": 1}, 100)] * 10)
        for reply in greedy.replies(tags[5:]):
            self.assert_error(reply, "busy")
        other = self.req(consumer.endpoint)
        other.send(padded({"value": 1}, 500))
        self.assert_error(greedy.ask({"value": 1}), "busy")
        self.assert_error(self.req(consumer.endpoint).ask({"value": 1}), "busy")
        self.assertEqual(consumer.stop(), 0)
        self.assert_ok(other.reply(), size=6)

    def test_a_message_larger_than_a_share_is_too_large(self):
        consumer = self.consumer("--interval", "10m", "--max-held-bytes-per-producer", "100")
        self.assert_error(self.req(consumer.endpoint).ask(padded({"value": 1}, 101)), "too_large")

    def test_a_share_is_free_again_when_its_messages_are_answered(self):
        consumer = self.consumer("--interval", "10m", "--max-held-per-producer", "2",
                                 "--max-items", "2")
        dealer = self.dealer(consumer.endpoint)
        for _ in range(3):
            for reply in dealer.replies(dealer.send_all([{"value": 1}] * 2)):
                self.assert_ok(reply, size=2)


class Memory(BlockyCase):

    @unittest.skipIf(SANITIZER, "a sanitizer keeps what was freed for a while")
    def test_what_has_expired_behind_a_sink_that_hangs_keeps_no_memory(self):
        """Each message is 100 kB and gone within moments; 100 MB of them pass through."""
        consumer = self.consumer("--interval", "10m", "--max-items", "3",
                                 "--sink", "exec-sh:while read line; do read never; done")
        dealer = self.dealer(consumer.endpoint)
        dealer.send_all([{"value": n} for n in range(3)])  # the sink hangs on these
        dealer.sync()
        before = consumer.rss()
        body = {"value": "x" * value_bytes(100_000), "deadline_ms": 1}
        for _ in range(scaled(50)):
            for reply in dealer.replies(dealer.send_all([body] * 20)):
                self.assert_error(reply, "expired")
        self.assertLess(consumer.rss() - before, 20 * 2**20)
        consumer.kill9()  # rather than wait out the drain

    def test_replies_that_a_bundle_keeps_while_it_is_held_count_as_held(self):
        """Ten thousand bad members and one good one: 30 kB that become over a megabyte."""
        consumer = self.consumer("--interval", "10m", "--max-held-bytes", "4MiB")
        body = b'{"messages":[' + b"{}," * 9_999 + b'{"value":1}]}'
        replies = []
        for _ in range(10):
            dealer = self.dealer(consumer.endpoint)
            dealer.send(body)
            dealer.sync()
            replies += dealer.arrived_replies()
        self.assertGreaterEqual(len(replies), 5)
        for reply in replies:
            self.assert_error(reply["replies"][-1], "busy")


if __name__ == "__main__":
    unittest.main()
