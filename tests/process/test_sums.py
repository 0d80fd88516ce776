"""The sink `sum`: exact integers to 128 bits, doubles, and what it refuses without costing anybody
else.

Messages go in one after the other on one connection, so their order of arrival is known.
"""

import unittest

from support.case import BlockyCase

MAX = 2**127 - 1
MIN = -2**127


class Sums(BlockyCase):

    def add(self, *values):
        """Sends the values (numbers, or JSON as bytes) as one batch: consumer and replies."""
        consumer = self.batching_consumer(len(values))
        dealer = self.dealer(consumer.endpoint)
        texts = [value if isinstance(value, bytes) else b"%d" % value for value in values]
        bodies = [b'{"value":%s}' % text for text in texts]
        return consumer, dealer.replies(dealer.send_all(bodies))

    def assert_total(self, values, total):
        consumer, replies = self.add(*values)
        for reply in replies:
            self.assert_ok(reply, size=len(values))
            self.assert_same(reply["result"], total)
        self.assert_same(consumer.wait_filled(1)[0]["summary"], total)

    def assert_same(self, found, total):
        self.assertEqual((type(found), found), (type(total), total))

    def test_integers_are_summed_exactly_beyond_53_and_64_bits(self):
        for values in ([2**53, 1], [2**63 - 1, 1], [2**64 - 1, 1], [2**64, 2**64], [-2**63, -1],
                       [10**30, 1, -10**30], [123456789012345678901234567890, 1], [10**38, -1]):
            with self.subTest(values=values):
                self.assert_total(values, sum(values))

    def test_the_whole_range_of_128_bits_is_reached(self):
        self.assert_total([MAX - 1, 1], MAX)
        self.assert_total([MIN + 1, -1], MIN)
        self.assert_total([MAX, MIN], -1)
        self.assert_total([0, b"-0"], 0)

    def assert_only_rejected(self, values, wrong, total):
        """Of these values only number `wrong` is rejected; the others make the total."""
        consumer, replies = self.add(*values)
        self.assert_error(replies.pop(wrong), "rejected")
        for reply in replies:
            self.assert_ok(reply, size=len(values))
            self.assert_same(reply["result"], total)
        batch = consumer.wait_filled(1)[0]
        self.assertEqual((batch["size"], batch["rejected"]), (len(values), 1))
        self.assertEqual(batch["status"], "ok")
        self.assert_same(batch["summary"], total)

    def test_the_message_that_passes_128_bits_is_rejected_alone(self):
        self.assert_only_rejected([MAX, 1, -6], 1, MAX - 6)
        self.assert_only_rejected([MIN, -1, 6], 1, MIN + 6)
        self.assert_only_rejected([5, MAX, 7], 1, 12)
        self.assert_only_rejected([2**126, 2**126, 2**125], 1, 2**126 + 2**125)

    def test_an_integer_that_no_128_bits_can_hold_costs_only_itself(self):
        consumer = self.batching_consumer(2)
        dealer = self.dealer(consumer.endpoint)
        first = dealer.send({"value": 1})
        huge = dealer.send(b'{"value":%d,"id":"huge"}' % 10**60)
        dealer.send({"value": 2})
        reply = dealer.reply(huge)
        self.assertIn(reply.get("code"), ("bad_request", "rejected"), reply)
        self.assertIs(reply["retry"], False)
        self.assertIn(dealer.reply(first)["result"], (1, 3))

    def test_a_rejected_id_is_forgotten_and_may_come_again(self):
        consumer = self.batching_consumer(2)
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all([{"value": MAX}, {"value": 1, "id": "r"}])
        self.assert_error(dealer.replies(tags)[1], "rejected", id="r")
        tags = dealer.send_all([{"value": 2}, {"value": 1, "id": "r"}])
        self.assert_ok(dealer.replies(tags)[1], size=2, result=3, id="r")

    def test_a_batch_of_which_all_is_rejected_but_one_still_commits(self):
        consumer, replies = self.add(MAX, 1, 1, 1, 1)
        self.assert_ok(replies[0], size=5, result=MAX)
        for reply in replies[1:]:
            self.assert_error(reply, "rejected")
        self.assertEqual(consumer.wait_filled(1)[0]["rejected"], 4)

    def test_a_fraction_or_an_exponent_makes_the_total_a_double(self):
        self.assert_total([b"0.5", 1], 1.5)
        self.assert_total([b"1.0", 1], 2.0)
        self.assert_total([b"1e0", 1], 2.0)
        self.assert_total([b"1E2", 1], 101.0)
        self.assert_total([1, 2, b"-0.25"], 2.75)
        self.assert_total([b"0.1"], 0.1)
        self.assert_total([b"2.5e-300", b"2.5e-300"], 5e-300)

    def test_a_double_that_passes_the_range_is_rejected_alone(self):
        self.assert_only_rejected([b"1e308", b"1e308", b"1e307"], 1, 1.1e308)
        self.assert_only_rejected([b"-1.7e308", b"-1.7e308", b"0.5"], 1, -1.7e308)

    def test_the_next_batch_starts_at_zero_and_with_integers(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        for value in (0.5, 7, 2**100, -3):
            self.assert_same(req.ask({"value": value})["result"], value)

    def test_the_text_log_prints_a_big_total_exactly(self):
        consumer = self.batching_consumer(2, log="text")
        dealer = self.dealer(consumer.endpoint)
        dealer.replies(dealer.send_all([{"value": 10**30}, {"value": 1}]))
        consumer.stdout.wait_for_line(
            lambda line: f"Adding 2 numbers ✅ Total is {10**30 + 1} 🧮" in line)


if __name__ == "__main__":
    unittest.main()
