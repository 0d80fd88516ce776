"""The replies of protocol version 1, member by member: acknowledgements, duplicates, take-overs,
errors.

The consumer's batches close at a number of messages, so that each test knows what is held and until
when.
"""

import unittest

from support.case import BlockyCase
from support.clients import padded


class Acknowledgements(BlockyCase):

    def test_a_reply_names_the_batch_its_size_and_its_total(self):
        consumer = self.batching_consumer(3)
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all([{"value": 1}, {"value": 20, "id": "twenty"},
                                {"value": 300, "producer": "p"}])
        plain, with_id, with_producer = dealer.replies(tags)
        self.assert_ok(plain, batch=2, size=3, result=321)
        self.assert_ok(with_id, batch=2, size=3, result=321, id="twenty")
        self.assert_ok(with_producer, batch=2, size=3, result=321)

    def test_replies_of_a_batch_go_out_in_order_of_arrival(self):
        consumer = self.batching_consumer(50)
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all({"value": n} for n in range(50))
        self.assertEqual([dealer.frames()[0] for _ in tags], tags)

    def test_nothing_goes_back_while_the_batch_is_open(self):
        consumer = self.batching_consumer(3)
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send_all([{"value": 1}, {"value": 2}])
        dealer.sync()
        self.assertEqual(dealer.answered(), [])
        last = dealer.send({"value": 3})
        for reply in dealer.replies([*held, last]):
            self.assert_ok(reply, size=3, result=6)

    def test_the_timer_releases_what_is_held(self):
        consumer = self.consumer("--interval", "100ms")
        req = self.req(consumer.endpoint)
        batches = [req.ask({"value": n})["batch"] for n in range(5)]
        self.assertEqual(batches, sorted(set(batches)))

    def test_version_1_may_be_said_and_unknown_members_are_ignored(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        bodies = [{"value": 7, "v": 1},
                  {"value": 7, "note": {"deep": [1, "x", None]}, "": 1, "VALUE": 2, "Id": 5},
                  b'{"x":1,"value":7,"x":2}',
                  b' \t\r\n{ "value" : 7 }\n ',
                  b'{"v\\u0061lue":7}']
        for body in bodies:
            with self.subTest(body=body):
                self.assert_ok(req.ask(body), size=1, result=7)

    def test_an_id_comes_back_as_it_was_sent(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        for number, message_id in enumerate(
                ["a", "x" * 128, "é" * 64, "🧮" * 32, 'quote " and \\ and /', "\u2028", "1"]):
            with self.subTest(id=message_id):
                self.assert_ok(req.ask({"value": number, "id": message_id}), id=message_id)
        self.assert_ok(req.ask(b'{"value":1,"id":"\\ud83e\\uddee!"}'), id="🧮!")

    def test_a_producer_of_up_to_128_bytes_is_taken(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        for producer in ["p", "x" * 128, "é" * 64]:
            self.assert_ok(req.ask({"value": 1, "producer": producer}))

    def test_a_deadline_that_is_far_away_changes_nothing(self):
        consumer = self.batching_consumer(1)
        reply = self.req(consumer.endpoint).ask({"value": 4, "deadline_ms": 3600000})
        self.assert_ok(reply, result=4)


class Identity(BlockyCase):

    def test_a_committed_id_is_answered_at_once_as_a_duplicate(self):
        consumer = self.batching_consumer(2)
        dealer = self.dealer(consumer.endpoint)
        dealer.replies(dealer.send_all([{"value": 1, "id": "a"}, {"value": 2, "id": "b"}]))
        held = dealer.send({"value": 10})
        self.assert_duplicate(dealer.ask({"value": 99, "id": "a"}), "a")
        other = self.req(consumer.endpoint)
        self.assert_duplicate(other.ask({"value": 1, "id": "b", "producer": "else"}), "b")
        self.assertEqual(dealer.answered(), [])
        dealer.send({"value": 20})
        self.assert_ok(dealer.reply(held), size=2, result=30)

    def test_ids_that_differ_only_in_case_or_padding_are_different(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        for message_id in ["id", "ID", " id", "id "]:
            self.assert_ok(req.ask({"value": 1, "id": message_id}), id=message_id)

    def test_the_newest_sender_of_a_held_id_gets_the_reply_and_it_counts_once(self):
        consumer = self.batching_consumer(3)
        first, second = self.dealer(consumer.endpoint), self.dealer(consumer.endpoint)
        lost = first.send({"value": 5, "id": "x"})
        first.sync()
        taken = second.send({"value": 7, "id": "x"})
        second.sync()
        rest = first.send_all([{"value": 10}, {"value": 20}])
        self.assert_ok(second.reply(taken), size=3, result=35, id="x")
        first.replies(rest)
        first.sync()
        self.assertNotIn(lost, first.answered())
        batch = consumer.wait_filled(1)[0]
        self.assertEqual((batch["size"], batch["summary"]), (3, 35))

    def test_a_take_over_on_the_same_connection_answers_only_the_newest_request(self):
        consumer = self.batching_consumer(2)
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all([{"value": 1, "id": "x"}] * 5)
        last = dealer.send({"value": 2})
        self.assert_ok(dealer.reply(tags[-1]), size=2, result=3, id="x")
        self.assert_ok(dealer.reply(last), size=2, result=3)
        dealer.sync()
        self.assertEqual(dealer.answered(), [])

    def test_a_message_keeps_its_place_when_its_first_sender_is_gone(self):
        consumer = self.batching_consumer(2)
        gone = self.dealer(consumer.endpoint)
        gone.send({"value": 5, "id": "x"})
        gone.sync()
        gone.close()
        dealer = self.dealer(consumer.endpoint)
        taken, other = dealer.send_all([{"value": 5, "id": "x"}, {"value": 6}])
        self.assert_ok(dealer.reply(taken), size=2, result=11, id="x")
        self.assert_ok(dealer.reply(other), size=2, result=11)

    def test_a_message_whose_sender_is_gone_is_processed_like_any_other(self):
        consumer = self.batching_consumer(2)
        gone = self.dealer(consumer.endpoint)
        gone.send({"value": 5, "id": "x"})
        gone.sync()
        gone.close()
        req = self.req(consumer.endpoint)
        self.assert_ok(req.ask({"value": 6}), size=2, result=11)
        self.assert_duplicate(req.ask({"value": 5, "id": "x"}), "x")

    def test_messages_without_an_id_are_never_duplicates(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        batches = [req.ask({"value": 1})["batch"] for _ in range(5)]
        self.assertEqual(batches, [2, 3, 4, 5, 6])


class Order(BlockyCase):
    """Size; JSON; version; members and what the sink takes; committed; held; busy."""

    def setUp(self):
        super().setUp()
        self.consumer_ = self.consumer("--interval", "10m", "--max-held", "2",
                                       "--max-message-bytes", "200", "--max-bytes", "400")
        self.dealer_ = self.dealer(self.consumer_.endpoint)

    def ask(self, body):
        return self.dealer_.ask(body)

    def commit(self, message_id):
        """Has the id committed: two bodies of 200 bytes fill the batch to its brim."""
        tags = self.dealer_.send_all([padded({"value": 1, "id": message_id}, 200),
                                      padded({"value": 1}, 200)])
        self.assert_ok(self.dealer_.reply(tags[0]), size=2, id=message_id)
        self.assert_ok(self.dealer_.reply(tags[1]), size=2)

    def test_size_is_checked_before_json(self):
        self.assert_error(self.ask(b"{" * 201), "too_large")
        self.assert_error(self.ask(padded({"v": 2}, 201)), "too_large")

    def test_json_is_checked_before_the_version(self):
        self.assert_error(self.ask(b'{"v":2,"value":1'), "bad_request")
        self.assert_error(self.ask(b'{"v":2,"value":1e999}'), "bad_request")

    def test_the_version_is_checked_before_the_other_members(self):
        for body in [{"v": 2}, {"v": 2, "value": "x"}, {"v": 2, "value": 1, "producer": 5},
                     {"v": 2, "value": 1, "deadline_ms": 0}]:
            self.assert_error(self.ask(body), "unsupported_version")

    def test_members_and_value_are_checked_before_the_id(self):
        self.commit("done")
        self.assert_error(self.ask({"value": "x", "id": "done"}), "bad_request", id="done")
        self.assert_error(self.ask({"id": "done"}), "bad_request")
        self.assert_error(self.ask({"v": 3, "value": 1, "id": "done"}), "unsupported_version")

    def test_duplicates_and_held_ids_are_never_busy(self):
        self.commit("done")
        self.dealer_.send({"value": 1, "id": "held"})
        self.dealer_.send({"value": 2})
        self.assert_error(self.ask({"value": 3, "id": "new"}), "busy", id="new")
        self.assert_error(self.ask({"value": "x"}), "bad_request")
        self.assert_duplicate(self.ask({"value": 1, "id": "done"}), "done")
        taken = self.dealer_.send({"value": 1, "id": "held"})
        self.dealer_.sync()
        self.assertEqual(self.dealer_.answered(), [])
        self.assertEqual(self.consumer_.stop(), 0)
        self.assert_ok(self.dealer_.reply(taken), size=2, result=3, id="held")


class Errors(BlockyCase):

    def test_an_unsupported_version_is_refused(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        for version in [0, 2, -1, 2**31, 2**63 - 1]:
            with self.subTest(v=version):
                reply = req.ask({"v": version, "value": 1, "id": "a"})
                self.assert_error(reply, "unsupported_version", id="a")

    def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_too_large(self):
        consumer = self.batching_consumer(1, "--max-message-bytes", "1000")
        dealer = self.dealer(consumer.endpoint)
        self.assert_ok(dealer.ask(padded({"value": 1}, 1000)))
        for size in [1001, 4000]:
            self.assert_error(dealer.ask(padded({"value": 1}, size)), "too_large")

    def test_the_default_limit_is_one_mebibyte(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        self.assert_ok(req.ask(padded({"value": 1}, 2**20)))
        self.assert_error(req.ask(padded({"value": 1}, 2**20 + 1)), "too_large")

    def test_a_frame_over_four_times_the_limit_cuts_only_its_own_connection(self):
        consumer = self.batching_consumer(2, "--max-message-bytes", "1000")
        good, bad = self.dealer(consumer.endpoint), self.dealer(consumer.endpoint)
        bad.watch()
        held = good.send({"value": 1})
        good.sync()
        bad.sync()
        bad.send(padded({"value": 50}, 4001))
        bad.wait_disconnected()
        good.sync()
        self.assertEqual(good.answered(), [])
        bad.wait_connected()
        again = bad.ask({"value": 2})
        self.assert_ok(again, size=2, result=3)
        self.assert_ok(good.reply(held), size=2, result=3)


if __name__ == "__main__":
    unittest.main()
