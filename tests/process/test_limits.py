"""The limits of the consumer: when a batch closes early, when a message is busy or too large, how
long an id is remembered, and what `--reply immediate` changes.
"""

import unittest

from support.case import BlockyCase
from support.clients import padded


class BatchLimits(BlockyCase):

    def test_max_items_closes_the_batch_when_it_is_reached(self):
        consumer = self.batching_consumer(3)
        dealer = self.dealer(consumer.endpoint)
        replies = dealer.replies(dealer.send_all({"value": n} for n in range(9)))
        self.assertEqual([r["batch"] for r in replies], [2, 2, 2, 3, 3, 3, 4, 4, 4])
        self.assertEqual([r["result"] for r in replies], [3, 3, 3, 12, 12, 12, 21, 21, 21])
        self.assertEqual({b["trigger"] for b in consumer.wait_filled(3)}, {"items"})

    def test_max_bytes_reached_exactly_closes_the_batch(self):
        consumer = self.consumer("--interval", "10m", "--max-bytes", "100")
        dealer = self.dealer(consumer.endpoint)
        replies = dealer.replies(dealer.send_all([padded({"value": 1}, 25)] * 8))
        self.assertEqual([r["batch"] for r in replies], [2] * 4 + [3] * 4)
        for batch in consumer.wait_filled(2):
            self.assertEqual((batch["size"], batch["bytes"], batch["trigger"]), (4, 100, "bytes"))

    def test_a_message_that_would_pass_max_bytes_closes_the_batch_first(self):
        consumer = self.consumer("--interval", "10m", "--max-bytes", "100")
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all([padded({"value": 1}, 30)] * 4)
        for reply in dealer.replies(tags[:3]):
            self.assert_ok(reply, batch=2, size=3, result=3)
        dealer.sync()
        self.assertEqual(dealer.answered(), [])
        batch = consumer.wait_filled(1)[0]
        self.assertEqual((batch["bytes"], batch["trigger"]), (90, "bytes"))
        self.assertEqual(consumer.stop(), 0)
        self.assert_ok(dealer.reply(tags[3]), batch=3, size=1, result=1)

    def test_a_message_alone_over_max_bytes_is_too_large_and_closes_nothing(self):
        consumer = self.consumer("--interval", "10m", "--max-bytes", "100")
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send(padded({"value": 1}, 40))
        self.assert_error(dealer.ask(padded({"value": 2}, 101)), "too_large")
        self.assertEqual(dealer.answered(), [])
        self.assert_ok(dealer.ask(padded({"value": 4}, 60)), batch=2, size=2, result=5)
        self.assert_ok(dealer.reply(held), batch=2, size=2)

    def test_a_message_of_exactly_max_bytes_closes_the_open_batch_and_then_its_own(self):
        consumer = self.consumer("--interval", "10m", "--max-bytes", "100")
        dealer = self.dealer(consumer.endpoint)
        first, full = dealer.send_all([{"value": 1}, padded({"value": 2}, 100)])
        self.assert_ok(dealer.reply(first), batch=2, size=1, result=1)
        self.assert_ok(dealer.reply(full), batch=3, size=1, result=2)
        self.assertEqual([b["trigger"] for b in consumer.wait_filled(2)], ["bytes", "bytes"])

    def test_sizes_have_units(self):
        consumer = self.consumer("--interval", "10m", "--max-bytes", "2KiB",
                                 "--max-message-bytes", "1KiB")
        dealer = self.dealer(consumer.endpoint)
        self.assert_error(dealer.ask(padded({"value": 1}, 1025)), "too_large")
        replies = dealer.replies(dealer.send_all([padded({"value": 1}, 1024)] * 2))
        self.assertEqual([r["size"] for r in replies], [2, 2])


class HeldLimits(BlockyCase):

    def test_over_max_held_a_message_is_busy_until_there_is_room_again(self):
        consumer = self.consumer("--interval", "1s", "--max-held", "3")
        dealer = self.dealer(consumer.endpoint)
        self.assert_ok(dealer.ask({"value": 1}))
        *held, over = dealer.send_all({"value": n, "id": f"m{n}"} for n in range(1, 5))
        self.assert_error(dealer.reply(over), "busy", id="m4")
        self.assertEqual(dealer.answered(), [])
        for reply in dealer.replies(held):
            self.assertEqual((reply["size"], reply["result"]), (3, 6))
        self.assert_ok(dealer.ask({"value": 4, "id": "m4"}), size=1, result=4, id="m4")

    def test_over_max_held_every_connection_is_told_busy(self):
        consumer = self.consumer("--interval", "10m", "--max-held", "2")
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send_all([{"value": 1}, {"value": 2}])
        dealer.sync()
        for _ in range(3):
            self.assert_error(self.req(consumer.endpoint).ask({"value": 3}), "busy")
        self.assertEqual(consumer.stop(), 0)
        for reply in dealer.replies(held):
            self.assert_ok(reply, size=2, result=3)

    def test_a_held_message_whose_sender_is_gone_still_counts(self):
        consumer = self.consumer("--interval", "10m", "--max-held", "1")
        gone = self.dealer(consumer.endpoint)
        gone.send({"value": 1})
        gone.sync()
        gone.close()
        self.assert_error(self.req(consumer.endpoint).ask({"value": 2}), "busy")

    def test_over_max_held_bytes_a_message_is_busy(self):
        consumer = self.consumer("--interval", "10m", "--max-held-bytes", "100")
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send_all([padded({"value": 1}, 50)] * 2)
        self.assert_error(dealer.ask(padded({"value": 2}, 50)), "busy")
        self.assert_error(dealer.ask({"value": 2}), "busy")
        self.assertEqual(consumer.stop(), 0)
        for reply in dealer.replies(held):
            self.assert_ok(reply, size=2, result=2)

    def test_what_is_refused_takes_no_room(self):
        consumer = self.consumer("--interval", "10m", "--max-held", "2")
        dealer = self.dealer(consumer.endpoint)
        for _ in range(5):
            self.assert_error(dealer.ask({"value": "x"}), "bad_request")
        dealer.send_all([{"value": 1, "id": "a"}, {"value": 1, "id": "a"}, {"value": 2, "id": "b"}])
        dealer.sync()
        self.assertEqual(dealer.answered(), [])
        self.assert_error(dealer.ask({"value": 3}), "busy")


    def test_with_little_room_a_client_that_reads_still_gets_every_refusal(self):
        consumer = self.consumer("--interval", "10m", "--max-held", "1")
        dealer = self.dealer(consumer.endpoint)
        dealer.send({"value": 1})
        bodies = [{"value": "x"}, {"value": 2}] * 300
        codes = [reply["code"] for reply in dealer.replies(dealer.send_all(bodies))]
        self.assertEqual(codes, ["bad_request", "busy"] * 300)


class DedupWindow(BlockyCase):

    def test_a_window_of_two_remembers_the_last_two_ids(self):
        consumer = self.batching_consumer(1, "--dedup-window", "2")
        req = self.req(consumer.endpoint)
        for message_id in "abc":
            self.assert_ok(req.ask({"value": 1, "id": message_id}), id=message_id)
        for message_id in "bc":
            self.assert_duplicate(req.ask({"value": 1, "id": message_id}), message_id)
        self.assert_ok(req.ask({"value": 1, "id": "a"}), id="a")
        self.assert_duplicate(req.ask({"value": 1, "id": "c"}), "c")
        self.assert_ok(req.ask({"value": 1, "id": "b"}), id="b")

    def test_messages_without_an_id_push_nothing_out_of_the_window(self):
        consumer = self.batching_consumer(1, "--dedup-window", "1")
        req = self.req(consumer.endpoint)
        req.ask({"value": 1, "id": "a"})
        for _ in range(5):
            self.assert_ok(req.ask({"value": 1}))
        self.assert_duplicate(req.ask({"value": 1, "id": "a"}), "a")

    def test_a_window_of_zero_remembers_nothing_but_what_is_held(self):
        consumer = self.batching_consumer(2, "--dedup-window", "0")
        dealer = self.dealer(consumer.endpoint)
        for _ in range(3):
            lost, taken, other = dealer.send_all(
                [{"value": 1, "id": "a"}, {"value": 1, "id": "a"}, {"value": 2}])
            self.assert_ok(dealer.reply(taken), size=2, result=3, id="a")
            self.assert_ok(dealer.reply(other), size=2, result=3)
            dealer.sync()
            self.assertNotIn(lost, dealer.answered())

    def test_a_window_much_smaller_than_a_batch_is_kept(self):
        consumer = self.batching_consumer(100, "--dedup-window", "10")
        dealer = self.dealer(consumer.endpoint)
        bodies = [{"value": 1, "id": f"m{n}"} for n in range(100)]
        dealer.replies(dealer.send_all(bodies))
        for body in bodies[90:]:
            self.assert_duplicate(dealer.ask(body), body["id"])
        dealer.send_all(bodies[:90])
        dealer.sync()
        self.assertEqual(dealer.answered(), [])


class ImmediateReplies(BlockyCase):

    def test_a_message_is_answered_on_receipt_and_the_batch_is_still_processed(self):
        consumer = self.batching_consumer(3, "--reply", "immediate")
        req = self.req(consumer.endpoint)
        self.assertEqual(req.ask({"value": 1}), {"status": "ok"})
        self.assertEqual(req.ask({"value": 20, "id": "a"}), {"status": "ok", "id": "a"})
        self.assertEqual(consumer.filled(), [])
        self.assertEqual(req.ask({"value": 300}), {"status": "ok"})
        batch = consumer.wait_filled(1)[0]
        self.assertEqual((batch["batch"], batch["size"], batch["summary"]), (2, 3, 321))

    def test_a_known_id_is_a_duplicate_whether_it_is_processed_or_not(self):
        consumer = self.batching_consumer(2, "--reply", "immediate")
        req = self.req(consumer.endpoint)
        self.assertEqual(req.ask({"value": 1, "id": "a"}), {"status": "ok", "id": "a"})
        self.assert_duplicate(req.ask({"value": 1, "id": "a"}), "a")
        self.assertEqual(req.ask({"value": 2}), {"status": "ok"})
        consumer.wait_filled(1)
        self.assert_duplicate(req.ask({"value": 1, "id": "a"}), "a")
        self.assertEqual(consumer.stop(), 0)
        self.assertEqual([b["summary"] for b in consumer.filled()], [3])

    def test_errors_and_limits_hold_as_ever(self):
        consumer = self.consumer("--interval", "10m", "--reply", "immediate", "--max-held", "2")
        req = self.req(consumer.endpoint)
        self.assert_error(req.ask({"value": "x"}), "bad_request")
        for _ in range(2):
            self.assertEqual(req.ask({"value": 1}), {"status": "ok"})
        self.assert_error(req.ask({"value": 1}), "busy")

    def test_what_was_answered_is_processed_by_the_drain(self):
        consumer = self.consumer("--interval", "10m", "--reply", "immediate")
        req = self.req(consumer.endpoint)
        for n in range(1, 5):
            req.ask({"value": n})
        self.assertEqual(consumer.stop(), 0)
        self.assertEqual([b["summary"] for b in consumer.filled()], [10])


if __name__ == "__main__":
    unittest.main()
