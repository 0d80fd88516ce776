"""Bundles on the wire: many messages in one request, one reply for all, each judged by itself."""

import datetime
import itertools
import json
import statistics
import time
import unittest

from support.case import BlockyCase
from support.settings import SANITIZER

NEVER = "10m"  # longer than any test
MOST = 10_000  # messages in a bundle


def bundle(*messages, **beside):
    return {"messages": list(messages), **beside}


def with_ids(first, last):
    """Messages whose value and id are numbers from first to last."""
    return [{"value": n, "id": f"id-{n}"} for n in range(first, last + 1)]


class BundleCase(BlockyCase):

    def assert_uniform(self, reply, count, **members):
        """The one short reply, with no member too many or too few."""
        self.assertEqual(set(reply), {"status", "count", "batch", "size", "result"}, reply)
        self.assertEqual((reply["status"], reply["count"]), ("ok", count), reply)
        for name, value in members.items():
            self.assertEqual(reply[name], value, reply)

    def mixed(self, reply, count):
        """The replies inside a mixed one."""
        self.assertEqual(set(reply), {"status", "replies"}, str(reply)[:500])
        self.assertEqual(reply["status"], "mixed")
        self.assertEqual(len(reply["replies"]), count)
        return reply["replies"]


class Replies(BundleCase):

    def test_a_bundle_that_went_well_in_one_batch_has_one_short_reply(self):
        consumer = self.batching_consumer(5)
        dealer = self.dealer(consumer.endpoint)
        first, second = dealer.send_all([bundle(*with_ids(1, 3)),
                                         bundle({"value": 10}, {"value": 20}, producer="p")])
        self.assert_uniform(dealer.reply(first), 3, batch=2, size=5, result=36)
        self.assert_uniform(dealer.reply(second), 2, batch=2, size=5, result=36)

    def test_a_bundle_of_one_is_a_bundle(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        self.assert_uniform(req.ask(bundle({"value": 4})), 1, batch=2, size=1, result=4)
        self.assert_uniform(req.ask(bundle({"value": 5, "id": "a"})), 1, batch=3, result=5)
        self.assert_uniform(self.correlated_req(consumer.endpoint).ask(bundle({"value": 6})), 1)

    def test_nothing_goes_back_before_the_last_message_has_its_verdict(self):
        consumer = self.batching_consumer(2)
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send(bundle(*with_ids(1, 5)))
        dealer.sync()
        self.assertEqual([b["summary"] for b in consumer.wait_filled(2)], [3, 7])
        self.assertEqual(dealer.answered(), [])
        dealer.send({"value": 6})
        replies = self.mixed(dealer.reply(held), 5)
        for number, reply in enumerate(replies, start=1):
            self.assert_ok(reply, id=f"id-{number}", size=2, batch=2 + (number - 1) // 2)
        self.assertEqual([r["result"] for r in replies], [3, 3, 7, 7, 11])

    def test_a_bundle_that_fits_a_batch_is_never_split(self):
        consumer = self.batching_consumer(4)
        dealer = self.dealer(consumer.endpoint)
        alone, fits = dealer.send_all([{"value": 100}, bundle(*with_ids(1, 4))])
        self.assert_ok(dealer.reply(alone), batch=2, size=1, result=100)
        self.assert_uniform(dealer.reply(fits), 4, batch=3, size=4, result=10)
        self.assertEqual([b["trigger"] for b in consumer.wait_filled(2)], ["items", "items"])

    def test_a_bundle_that_fits_in_bytes_is_never_split(self):
        messages = [{"value": 1000 + n} for n in range(4)]
        size = sum(len(json.dumps(message)) for message in messages)
        consumer = self.consumer("--interval", NEVER, "--max-bytes", str(size + 5))
        dealer = self.dealer(consumer.endpoint)
        alone, fits = dealer.send_all([{"value": 1}, bundle(*messages)])
        self.assert_ok(dealer.reply(alone), batch=2, size=1, result=1)
        self.assertEqual(consumer.stop(), 0)
        self.assert_uniform(dealer.reply(fits), 4, batch=3, size=4, result=4006)
        self.assertEqual([(b["trigger"], b["bytes"]) for b in consumer.filled()][1:],
                         [("drain", size)])

    def test_what_stands_beside_the_messages_holds_for_all(self):
        consumer = self.lingering_consumer("0s", "--barrier")
        dealer = self.dealer(consumer.endpoint)
        self.assert_uniform(dealer.ask(bundle({"value": 1}, {"value": 2}, v=1, producer="p")), 2)
        late = bundle({"value": 3}, {"value": 4, "deadline_ms": 60_000}, deadline_ms=1, v=2)
        self.assert_error(dealer.ask(late), "unsupported_version")

    def test_a_bundle_of_ten_thousand_is_taken_and_one_more_is_refused(self):
        consumer = self.batching_consumer(MOST)
        req = self.req(consumer.endpoint)
        self.assert_error(req.ask(bundle(*[{"value": 1}] * (MOST + 1))), "bad_request")
        self.assert_uniform(req.ask(bundle(*with_ids(1, MOST))), MOST, batch=2, size=MOST,
                            result=MOST * (MOST + 1) // 2)
        self.assertEqual([b["size"] for b in consumer.wait_filled(1)], [MOST])

    def test_a_bundle_is_in_order_with_what_comes_before_and_after_it(self):
        consumer = self.batching_consumer(1)
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all([{"value": 1}, bundle({"value": 2}, {"value": 3}), {"value": 4}])
        before, inside, after = dealer.replies(tags)
        batches = [reply["batch"] for reply in (before, *self.mixed(inside, 2), after)]
        self.assertEqual(batches, [2, 3, 4, 5])
        self.assertEqual([b["summary"] for b in consumer.wait_filled(4)], [1, 2, 3, 4])

    def test_a_drain_releases_a_bundle_and_refuses_the_next(self):
        consumer = self.consumer("--interval", NEVER)
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send(bundle(*with_ids(1, 3)))
        dealer.sync()
        self.assertEqual(consumer.stop(), 0)
        self.assert_uniform(dealer.reply(held), 3, batch=2, size=3, result=6)

    def test_on_receipt_each_message_is_answered_and_all_are_processed(self):
        consumer = self.batching_consumer(3, "--reply", "immediate")
        replies = self.mixed(self.req(consumer.endpoint).ask(bundle(*with_ids(1, 3))), 3)
        self.assertEqual(replies, [{"status": "ok", "id": f"id-{n}"} for n in (1, 2, 3)])
        self.assertEqual([b["summary"] for b in consumer.wait_filled(1)], [6])

    def test_the_bundle_of_a_sender_that_has_gone_is_processed(self):
        consumer = self.batching_consumer(4)
        gone = self.dealer(consumer.endpoint)
        gone.send(bundle(*with_ids(1, 3)))
        gone.sync()
        gone.close()
        req = self.req(consumer.endpoint)
        self.assert_ok(req.ask({"value": 10}), batch=2, size=4, result=16)
        for reply in self.mixed(req.ask(bundle(*with_ids(1, 3))), 3):
            self.assertIs(reply["duplicate"], True)


class Identity(BundleCase):

    def test_the_same_id_twice_in_a_bundle_counts_once_and_both_are_answered(self):
        consumer = self.batching_consumer(2)
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send(bundle({"value": 1, "id": "a"}, {"value": 50, "id": "a"},
                                  {"value": 90, "id": "a"}))
        dealer.sync()
        self.assert_ok(dealer.ask({"value": 2}), batch=2, size=2, result=3)
        first, *later = self.mixed(dealer.reply(held), 3)
        self.assert_ok(first, id="a", batch=2, size=2, result=3)
        for reply in later:
            self.assertEqual((reply["status"], reply["id"]), ("ok", "a"))
            self.assertIs(reply["duplicate"], True)

    def test_an_id_that_is_committed_is_a_duplicate_and_the_bundle_is_mixed(self):
        consumer = self.batching_consumer(2)
        dealer = self.dealer(consumer.endpoint)
        self.assert_uniform(dealer.ask(bundle(*with_ids(1, 2))), 2, result=3)
        replies = self.mixed(dealer.ask(bundle({"value": 99, "id": "id-1"}, *with_ids(3, 4))), 3)
        self.assert_duplicate(replies[0], "id-1")
        for number, reply in zip((3, 4), replies[1:]):
            self.assert_ok(reply, id=f"id-{number}", batch=3, size=2, result=7)

    def test_a_bundle_of_duplicates_alone_is_answered_at_once(self):
        consumer = self.batching_consumer(3)
        dealer = self.dealer(consumer.endpoint)
        dealer.ask(bundle(*with_ids(1, 3)))
        held = dealer.send({"value": 5})
        for number, reply in enumerate(self.mixed(dealer.ask(bundle(*with_ids(1, 3))), 3), 1):
            self.assert_duplicate(reply, f"id-{number}")
        self.assertEqual(dealer.answered(), [])
        self.assertEqual(consumer.stop(), 0)
        self.assert_ok(dealer.reply(held), size=1, result=5)

    def test_the_same_bundle_sent_again_while_it_is_held_counts_once(self):
        """The older bundle still gets its reply: its other messages may be nowhere else."""
        for same_connection in (True, False):
            consumer = self.batching_consumer(4)
            first = self.dealer(consumer.endpoint)
            second = first if same_connection else self.dealer(consumer.endpoint)
            body = bundle(*with_ids(1, 3))
            older = first.send(body)
            first.sync()
            newer = second.send(body)
            second.sync()
            self.assertEqual(first.answered(), [])
            self.assert_ok(second.ask({"value": 10}), batch=2, size=4, result=16)
            self.assert_uniform(first.reply(older), 3, batch=2, size=4, result=16)
            self.assert_uniform(second.reply(newer), 3, batch=2, size=4, result=16)
            self.assertEqual([b["summary"] for b in self.end(consumer)], [16])

    def test_the_same_large_bundle_sent_many_times_is_processed_once(self):
        consumer = self.consumer("--interval", NEVER, "--max-items", "2000")
        dealer = self.dealer(consumer.endpoint)
        body = json.dumps(bundle(*with_ids(1, 1000))).encode()
        tags = dealer.send_all([body] * 5)
        dealer.sync()
        dealer.send(bundle(*[{"value": 0}] * 1000))
        for reply in dealer.replies(tags):
            self.assert_uniform(reply, 1000, batch=2, size=2000, result=500_500)
        for reply in self.mixed(dealer.ask(body), 1000):
            self.assertIs(reply["duplicate"], True)
        self.assertEqual([b["summary"] for b in self.end(consumer)], [500_500])

    def test_bundles_that_overlap_share_what_they_have_in_common(self):
        consumer = self.batching_consumer(5)
        one, other = (self.dealer(consumer.endpoint) for _ in range(2))
        older = one.send(bundle(*with_ids(1, 3)))
        one.sync()
        newer = other.send(bundle(*with_ids(3, 5)))
        self.assert_uniform(other.reply(newer), 3, batch=2, size=5, result=15)
        self.assert_uniform(one.reply(older), 3, batch=2, size=5, result=15)

    def test_a_message_taken_over_alone_has_its_verdict_in_its_bundle_too(self):
        consumer = self.batching_consumer(3)
        one, other = (self.dealer(consumer.endpoint) for _ in range(2))
        held = one.send(bundle(*with_ids(1, 2)))
        one.sync()
        taken = other.send({"value": 77, "id": "id-1"})
        other.sync()
        self.assert_ok(other.ask({"value": 10}), batch=2, size=3, result=13)
        self.assert_ok(other.reply(taken), id="id-1", batch=2, size=3, result=13)
        self.assert_uniform(one.reply(held), 2, batch=2, size=3, result=13)


class Judged(BundleCase):
    """What is wrong with a message costs that message; what is wrong with a bundle all of it."""

    BAD = ({"value": "x"}, {"value": None}, {"value": [1]}, {"id": "no-value"}, {}, 7, "x", None,
           [], [{"value": 1}], {"value": 1, "id": 5}, {"value": 1, "id": ""},
           {"value": 1, "producer": "x" * 129}, {"value": 1, "deadline_ms": 0},
           {"value": 1, "note": 1, "id": "a\nb"})

    def test_a_bad_message_costs_only_itself(self):
        for bad in self.BAD:
            with self.subTest(bad=bad):
                consumer = self.batching_consumer(3)
                dealer = self.dealer(consumer.endpoint)
                held = dealer.send(bundle({"value": 1, "id": "a"}, bad, {"value": 2}))
                dealer.sync()
                self.assertEqual(dealer.answered(), [])
                self.assert_ok(dealer.ask({"value": 4}), batch=2, size=3, result=7)
                first, second, third = self.mixed(dealer.reply(held), 3)
                self.assert_ok(first, id="a", batch=2, size=3, result=7)
                self.assert_error(second, "bad_request")
                self.assert_ok(third, batch=2, size=3, result=7)
                self.assertEqual(consumer.stop(), 0)

    def test_a_bad_message_is_named_by_its_id(self):
        consumer = self.batching_consumer(1)
        request = bundle({"id": "a"}, {"value": "x", "id": "b"}, {"value": 1, "v": 2, "id": "c"})
        first, second, third = self.mixed(self.req(consumer.endpoint).ask(request), 3)
        self.assert_error(first, "bad_request", id="a")
        self.assert_error(second, "bad_request", id="b")
        self.assert_error(third, "unsupported_version", id="c")

    def test_a_bundle_of_bad_messages_alone_is_answered_at_once(self):
        consumer = self.consumer("--interval", NEVER)
        reply = self.req(consumer.endpoint).ask(bundle(*[{"value": "x"}] * 50))
        for reply in self.mixed(reply, 50):
            self.assert_error(reply, "bad_request")
        self.assertEqual(self.end(consumer), [])

    def test_what_is_no_bundle_is_one_bad_request(self):
        consumer = self.batching_consumer(1)
        req = self.req(consumer.endpoint)
        good = '{"value":1}'
        for body in ('{"messages":[]}', '{"messages":{}}', '{"messages":null}', '{"messages":1}',
                     f'{{"messages":[{good}],"value":1}}', f'{{"messages":[{good}],"id":"a"}}',
                     f'{{"messages":[{good}],"messages":[{good}]}}', f'{{"messages":[{good}]',
                     f'{{"messages":[{good},]}}', f'{{"messages":[{good},{{"value":1e999}}]}}',
                     f'{{"messages":[{good}],"producer":5}}',
                     f'{{"messages":[{good}],"deadline_ms":0}}'):
            with self.subTest(body=body):
                self.assert_error(req.ask(body.encode()), "bad_request")
        self.assertEqual(self.end(consumer), [])

    def test_the_limit_on_a_body_holds_for_the_whole_bundle(self):
        consumer = self.batching_consumer(2, "--max-message-bytes", "100")
        req = self.req(consumer.endpoint)
        small = json.dumps(bundle({"value": 1}, {"value": 2})).encode()
        self.assert_uniform(req.ask(small.ljust(100)), 2, size=2, result=3)
        self.assert_error(req.ask(small.ljust(101)), "too_large")

    def test_a_bundle_that_is_larger_than_a_batch_is_spread_over_several(self):
        consumer = self.consumer("--interval", NEVER, "--max-bytes", "100")
        dealer = self.dealer(consumer.endpoint)
        long = {"value": 4, "note": "x" * 90}
        held = dealer.send(bundle(*[{"value": 1, "id": f"{n:033}"} for n in range(4)], long))
        dealer.sync()
        self.assertEqual(consumer.stop(), 0)
        *replies, last = self.mixed(dealer.reply(held), 5)
        self.assertEqual([r["size"] for r in replies], [1] * 4)
        self.assert_error(last, "too_large")
        self.assertEqual([b["trigger"] for b in consumer.filled()], ["bytes"] * 3 + ["drain"])

    def test_over_a_limit_only_the_messages_that_do_not_fit_are_busy(self):
        consumer = self.consumer("--interval", NEVER, "--max-held", "3")
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send(bundle(*with_ids(1, 5)))
        dealer.sync()
        self.assertEqual(dealer.answered(), [])
        self.assertEqual(consumer.stop(), 0)
        replies = self.mixed(dealer.reply(held), 5)
        for number, reply in enumerate(replies[:3], start=1):
            self.assert_ok(reply, id=f"id-{number}", size=3, result=6)
        for number, reply in enumerate(replies[3:], start=4):
            self.assert_error(reply, "busy", id=f"id-{number}")

    def test_a_message_expires_alone_and_the_reply_waits_for_the_others(self):
        consumer = self.batching_consumer(5)
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send(bundle({"value": 1}, {"value": 1000, "id": "late", "deadline_ms": 1},
                                  {"value": 2}, deadline_ms=3_600_000))
        self.assert_error(dealer.ask({"value": 5000, "deadline_ms": 50}), "expired")
        self.assertEqual(dealer.answered(), [])
        dealer.send_all([{"value": 8}, {"value": 16}])
        self.assert_ok(dealer.ask({"value": 4}), batch=2, size=5, result=31)
        first, late, third = self.mixed(dealer.reply(held), 3)
        self.assert_error(late, "expired", id="late")
        for reply in (first, third):
            self.assert_ok(reply, batch=2, size=5, result=31)

    def test_a_barrier_closes_behind_the_last_message_of_a_bundle(self):
        consumer = self.consumer("--interval", NEVER, "--barrier=2")
        one, other = (self.dealer(consumer.endpoint) for _ in range(2))
        held = one.send(bundle(*with_ids(1, 3)))
        one.sync()
        self.assertEqual(one.answered(), [])
        self.assert_uniform(other.ask(bundle(*with_ids(4, 6))), 3, batch=2, size=6, result=21)
        self.assert_uniform(one.reply(held), 3, batch=2, size=6, result=21)
        self.assertEqual(consumer.wait_filled(1)[0]["producers"], 2)


@unittest.skipIf(SANITIZER, "a sanitizer build is too slow for this")
class Ticks(BundleCase):
    """How late a tick is, with a client that is held until each and sends again at once."""

    INTERVAL_MS = 50
    ROUNDS = 9

    def setUp(self):
        super().setUp()
        self.consumer_ = self.consumer("--interval", f"{self.INTERVAL_MS}ms", "--max-items",
                                       str(3 * MOST), "--dedup-window", str(10 * MOST))
        self.req_ = self.req(self.consumer_.endpoint)
        self.dealer_ = self.dealer(self.consumer_.endpoint)
        self.bundles = (json.dumps(bundle(*with_ids(1 + MOST * n, MOST * (n + 1)))).encode()
                        for n in itertools.count())
        # The ids' table has taken its memory after some of them.
        for _ in range(10):
            self.assertEqual(self.dealer_.ask(next(self.bundles))["count"], MOST)

    def phases(self, disturb=lambda number: None):
        """Where in the interval the ticks were, in ms, that released the held client."""
        self.req_.ask({"value": 0})
        released = []
        for number in range(self.ROUNDS):
            self.req_.send({"value": 0})
            disturb(number)
            released.append(self.req_.reply()["batch"])
            self.released_at = time.monotonic()
        last = self.consumer_.wait_batch(lambda b: b["batch"] == released[-1])["batch"]
        batches = [b for b in self.consumer_.batches() if b["batch"] in released]
        self.assertEqual((batches[-1]["batch"], {b["trigger"] for b in batches}), (last, {"timer"}))
        moments = [datetime.datetime.fromisoformat(b["ts"].rstrip("Z")) for b in batches]
        return [moment.microsecond / 1000 % self.INTERVAL_MS for moment in moments]

    def usual_lateness(self, phases, punctual):
        half = self.INTERVAL_MS / 2
        return statistics.median((p - punctual + half) % self.INTERVAL_MS - half for p in phases)

    def test_a_bundle_of_ten_thousand_does_not_hold_a_tick_up(self):
        """The aim is at most 5 ms, and 3 to 4 were measured where a tick falls right behind the
        arrival of a bundle; twice as much is allowed, for a machine that has other things to do.
        """
        punctual = statistics.median(self.phases())
        for ahead_ms in (1, 2, 3, 5, 8):
            bodies = [next(self.bundles) for _ in range(self.ROUNDS)]

            def just_ahead_of_the_tick(number):
                passed = 1000 * (time.monotonic() - self.released_at) % self.INTERVAL_MS
                self.req_.socket.poll(max(0, self.INTERVAL_MS - passed - ahead_ms))
                self.dealer_.send(bodies[number])

            late = self.usual_lateness(self.phases(just_ahead_of_the_tick), punctual)
            self.assertLess(late, 10, f"{ahead_ms} ms behind the bundle")


if __name__ == "__main__":
    unittest.main()
