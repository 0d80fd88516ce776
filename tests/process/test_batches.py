"""When batches close, and who is in them: linger, barrier, deadlines, and the ceiling on bytes.

What is held is known from a refusal that comes at once (`sync`), so that nothing here depends on
how fast the machine is; where the contract gives a time, the usual case is held to it.
"""

import random
import statistics
import subprocess
import time
import unittest

from support.case import BlockyCase
from support.clients import padded
from support.settings import SLOW

NEVER = "10m"  # longer than any test


class Linger(BlockyCase):

    def test_without_any_linger_a_lone_message_goes_through_at_once(self):
        consumer = self.lingering_consumer("0s")
        req = self.req(consumer.endpoint)
        for number in range(1, 21):
            self.assert_ok(req.ask({"value": number}), batch=number, size=1, result=number)
        batches = consumer.wait_filled(20)
        self.assertEqual({b["trigger"] for b in batches}, {"timer"})
        self.assertLess(statistics.median(b["hold_ms_max"] for b in batches), 20 * SLOW)

    def test_without_any_linger_what_has_come_in_the_meantime_is_the_next_batch(self):
        """A consumer that could not run for a while stands for a sink that was busy."""
        count = 2000
        consumer = self.lingering_consumer("0s")
        dealer = self.dealer(consumer.endpoint)
        self.assert_ok(dealer.ask({"value": 0}), batch=1, size=1)
        consumer.pause()
        tags = dealer.send_all({"value": 1} for _ in range(count))
        consumer.resume()
        batches = [reply["batch"] for reply in dealer.replies(tags)]
        self.assertEqual(batches, sorted(batches))
        self.assertLess(len(set(batches)), count / 4, "hardly anything went together")
        self.assertEqual(sum(b["size"] for b in self.end(consumer)), count + 1)

    def test_a_batch_closes_so_long_after_its_first_message(self):
        consumer = self.lingering_consumer("200ms")
        req = self.req(consumer.endpoint)
        waits = []
        for number in range(1, 6):
            start = time.monotonic()
            self.assert_ok(req.ask({"value": number}), batch=number, size=1, result=number)
            waits.append(1000 * (time.monotonic() - start))
        batches = consumer.wait_filled(5)
        self.assertEqual({b["trigger"] for b in batches}, {"timer"})
        self.assertGreaterEqual(min(waits), 200)
        self.assertGreaterEqual(min(b["hold_ms_max"] for b in batches), 200)
        usual = statistics.median(b["hold_ms_max"] for b in batches)
        self.assertLess(usual, 200 + 50 * SLOW + consumer.starved_ms())

    def test_what_comes_while_a_batch_lingers_is_in_it(self):
        consumer = self.lingering_consumer("1s")
        dealers = [self.dealer(consumer.endpoint) for _ in range(3)]
        tags = [dealer.send({"value": 1}) for dealer in dealers]
        for dealer, tag in zip(dealers, tags):
            self.assert_ok(dealer.reply(tag), batch=1, size=3, result=3)

    def test_with_a_linger_no_batch_is_empty(self):
        consumer = self.lingering_consumer("1ms")
        req = self.req(consumer.endpoint)
        for number in range(1, 11):
            self.assert_ok(req.ask({"value": 1}), batch=number)
        self.assertEqual(consumer.stop(), 0)
        self.assertEqual([b["size"] for b in consumer.batches()], [1] * 10)

    def test_limits_and_a_drain_close_a_batch_that_lingers(self):
        consumer = self.lingering_consumer(NEVER, "--max-items", "3")
        dealer = self.dealer(consumer.endpoint)
        for reply in dealer.replies(dealer.send_all([{"value": 1}] * 3)):
            self.assert_ok(reply, batch=1, size=3)
        held = dealer.send({"value": 7})
        dealer.sync()
        self.assertEqual(dealer.answered(), [])
        self.assertEqual([b["trigger"] for b in self.end(consumer)], ["items", "drain"])
        self.assert_ok(dealer.reply(held), batch=2, size=1, result=7)

    def test_interval_and_linger_exclude_each_other(self):
        for options in (("--interval", "1s", "--linger", "1s"),
                        ("--linger=0s", "--interval=1s")):
            outcome = self.run_to_end("blocky-consumer", *options)
            self.assertEqual((outcome.code, outcome.stdout), (2, ""))
            self.assertEqual(len(outcome.error_lines), 1, outcome)
            for word in ("--interval", "--linger", "accepts"):
                self.assertIn(word, outcome.stderr)


class NamedClients(BlockyCase):

    def named(self, consumer, *names):
        """A client for each of these producers."""
        clients = {name: self.dealer(consumer.endpoint) for name in names}
        self.assertEqual(len(clients), len(names))
        return clients

    def push(self, clients, *names):
        """Has each of them send one message; returns what was sent, for `released`."""
        return [(clients[name], clients[name].send({"value": 1, "producer": name}))
                for name in names]

    def released(self, pushed, **expected):
        for client, tag in pushed:
            self.assert_ok(client.reply(tag), **expected)

    def held(self, pushed):
        for client, _ in pushed:
            client.sync()
            self.assertEqual(client.answered(), [])


class Barrier(NamedClients):

    def test_a_batch_closes_the_moment_three_are_in_and_never_before(self):
        consumer = self.consumer("--interval", NEVER, "--barrier=3")
        clients = self.named(consumer, "a", "b", "c")
        for number in range(2, 7):
            first = self.push(clients, "a", "b")
            self.held(first)
            self.released(first + self.push(clients, "c"), batch=number, size=3, result=3)
        for batch in consumer.wait_filled(5):
            self.assertEqual((batch["trigger"], batch["producers"]), ("barrier", 3))
            self.assertFalse({"live", "missing", "waiting_for"} & set(batch), batch)

    def test_every_live_producer_is_waited_for_however_few_must_be_in(self):
        consumer = self.consumer("--interval", NEVER, "--barrier=2")
        clients = self.named(consumer, "a", "b", "c", "d")
        self.released(self.push(clients, "a", "b"), size=2)
        late = self.push(clients, "c")
        self.held(late)
        late += self.push(clients, "d", "a")
        self.held(late)
        self.released(late + self.push(clients, "b"), size=4)

    def test_without_a_number_the_first_producer_alone_is_a_full_house(self):
        for options in (("--barrier",), ("--barrier=1",), ("--barrier", "--max-held", "9")):
            consumer = self.consumer("--interval", NEVER, *options)
            req = self.req(consumer.endpoint)
            for number in range(2, 5):
                self.assert_ok(req.ask({"value": 1}), batch=number, size=1)

    def test_a_producer_with_several_messages_in_flight_counts_once(self):
        consumer = self.consumer("--interval", NEVER, "--barrier=2")
        clients = self.named(consumer, "a", "b")
        many = self.push(clients, *["a"] * 5)
        self.held(many)
        self.released(many + self.push(clients, "b"), size=6, result=6)
        batch = consumer.wait_filled(1)[0]
        self.assertEqual((batch["producers"], batch["trigger"]), (2, "barrier"))

    def test_a_producer_is_a_connection_whatever_it_calls_itself(self):
        consumer = self.consumer("--interval", NEVER, "--barrier=2")
        one, other = (self.dealer(consumer.endpoint) for _ in range(2))
        tags = one.send_all({"value": 1, "producer": name} for name in ("a", "b", "c"))
        one.sync()
        self.assertEqual(one.answered(), [])
        self.assert_ok(other.ask({"value": 1, "producer": "a"}), size=4)
        one.replies(tags)

    def test_a_connection_that_has_had_nothing_accepted_is_not_waited_for(self):
        consumer = self.consumer("--interval", NEVER, "--barrier")
        req, other = self.req(consumer.endpoint), self.dealer(consumer.endpoint)
        self.assert_ok(req.ask({"value": 1, "id": "known"}), batch=2, size=1, id="known")
        for body in (other.PROBE, b"no json", {"v": 9, "value": 1}):
            self.assertEqual(other.ask(body)["status"], "error")
        self.assert_duplicate(other.ask({"value": 1, "id": "known"}), "known")
        self.assert_ok(req.ask({"value": 2}), batch=3, size=1, result=2)
        held = other.send({"value": 3})  # now it is one of two
        other.sync()
        self.assertEqual(other.answered(), [])
        self.assert_ok(req.ask({"value": 4}), batch=4, size=2, result=7)
        self.assert_ok(other.reply(held), batch=4)

    def idle_producer(self, consumer):
        """A producer process that had its first message accepted, and has nothing to send."""
        idle = self.producer(consumer.endpoint, "--name", "idle", "--input", "-",
                             stdin=subprocess.PIPE)
        idle.stdin.write(b"1\n")
        idle.stdin.flush()
        return idle

    def seconds_to_release(self, consumer, end):
        """How long after end(a producer that is waited for) the batch of the other one closes."""
        idle = self.idle_producer(consumer)
        idle.wait_replies(1)
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send({"value": 1})
        dealer.sync()
        self.assertEqual(dealer.answered(), [])
        start = time.monotonic()
        end(idle)
        self.assert_ok(dealer.reply(held), size=1)
        seconds = time.monotonic() - start
        dealer.close()
        self.assertEqual(consumer.wait_batch(lambda b: b["batch"] == consumer.last)["trigger"],
                         "barrier")
        return seconds

    def check_forgotten(self, end):
        for bind in ("tcp://127.0.0.1:*", f"ipc://{self.directory}/socket"):
            consumer = self.consumer("--interval", NEVER, "--barrier", bind=[bind])
            seconds = []
            for number in range(5):
                consumer.last = 3 + 2 * number
                seconds.append(self.seconds_to_release(consumer, end))
            self.assertLess(statistics.median(seconds), 0.1 * SLOW, f"{bind}: {seconds}")
            self.assertEqual(consumer.stop(), 0)

    def test_a_producer_that_was_killed_is_forgotten_within_100_ms(self):
        self.check_forgotten(lambda producer: producer.kill9())

    def test_a_producer_that_has_ended_is_forgotten_within_100_ms(self):
        self.check_forgotten(lambda producer: producer.stdin.close())

    def test_a_producer_that_has_vanished_is_forgotten_by_its_missing_heartbeats(self):
        consumer = self.consumer("--interval", NEVER, "--barrier")
        consumer.last = 3
        seconds = self.seconds_to_release(consumer, lambda producer: producer.pause())
        self.assertLess(seconds, 5 + 1 * SLOW)

    def test_what_a_producer_that_has_gone_has_handed_over_is_processed(self):
        consumer = self.consumer("--interval", NEVER, "--barrier=3")
        clients = self.named(consumer, "a", "b", "gone")
        self.released(self.push(clients, *clients), size=3, result=3)
        clients["gone"].send({"value": 100})
        clients["gone"].sync()
        clients["gone"].close()
        clients["c"] = self.dealer(consumer.endpoint)
        held = self.push(clients, "a", "c")
        self.held(held)
        self.released(held + self.push(clients, "b"), size=4, result=103)
        self.assertEqual(consumer.wait_filled(2)[1]["producers"], 4)


class Attendance(NamedClients):
    """Who was missing when the timer closed a batch that waited for all."""

    LINGER = "500ms"

    def test_the_json_log_says_who_was_missing(self):
        consumer = self.lingering_consumer(self.LINGER, "--barrier=3")
        clients = self.named(consumer, "p-1", "p-2", "p-3")
        self.released(self.push(clients, *clients), size=3)
        self.released(self.push(clients, "p-2"), size=1)
        full, partial = consumer.wait_filled(2)
        self.assertEqual(full["trigger"], "barrier")
        self.assertEqual(partial["trigger"], "timer")
        self.assertEqual((partial["live"], partial["missing"]), (3, 2))
        self.assertEqual(partial["waiting_for"], ["p-1", "p-3"])

    def test_the_text_log_says_it_in_a_phrase(self):
        consumer = self.lingering_consumer(self.LINGER, "--barrier=3", log="text")
        clients = self.named(consumer, "p-1", "p-2", "p-3")
        self.released(self.push(clients, *clients), size=3)
        self.released(self.push(clients, "p-2"), size=1)
        full, partial = consumer.stdout.wait_for_count(2)
        self.assertRegex(full, r" batch=1 .*\(held \d+ ms, processed \d+\.\d ms\)$")
        self.assertRegex(partial, r" batch=2 .*, 2 missing: p-1, p-3\)$")

    def test_at_most_ten_are_named(self):
        consumer = self.lingering_consumer(self.LINGER, "--barrier=13")
        names = [f"p-{number}" for number in range(13)]
        clients = self.named(consumer, *names)
        self.released(self.push(clients, *names), size=13)
        self.released(self.push(clients, "p-4"), size=1)
        partial = consumer.wait_filled(2)[1]
        self.assertEqual((partial["live"], partial["missing"]), (13, 12))
        self.assertEqual(len(set(partial["waiting_for"])), 10)
        self.assertLess(set(partial["waiting_for"]), set(names) - {"p-4"})

    def test_producers_that_have_never_come_are_missing_without_a_name(self):
        consumer = self.lingering_consumer(self.LINGER, "--barrier=5")
        self.released(self.push(self.named(consumer, "a"), "a"), size=1)
        batch = consumer.wait_filled(1)[0]
        self.assertEqual((batch["live"], batch["missing"], batch["waiting_for"]), (1, 4, []))

    def test_a_producer_without_a_name_goes_by_its_connection(self):
        consumer = self.lingering_consumer(self.LINGER, "--barrier=2")
        clients = self.named(consumer, "a")
        nameless = self.dealer(consumer.endpoint)
        tag = nameless.send({"value": 1})
        self.released(self.push(clients, "a"), size=2)
        self.assert_ok(nameless.reply(tag), size=2)
        self.released(self.push(clients, "a"), size=1)
        waiting_for, = consumer.wait_filled(2)[1]["waiting_for"]
        self.assertRegex(waiting_for, r"^([0-9a-f]{2})+$")

    def test_a_tick_with_nothing_in_it_says_who_could_have_been(self):
        consumer = self.consumer("--interval", "300ms", "--barrier=2")
        first = consumer.batches()[0]
        self.assertEqual((first["live"], first["missing"], first["waiting_for"]), (0, 2, []))


class Deadlines(BlockyCase):

    def check_expires(self, client, ask):
        """A message expires, others stay held; the sum proves that it was never processed."""
        consumer = self.consumer("--interval", NEVER)
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send({"value": 1})
        dealer.sync()
        other = client(consumer.endpoint)
        start = time.monotonic()
        reply = ask(other, {"value": 1000, "id": "late", "deadline_ms": 100})
        self.assertGreaterEqual(time.monotonic() - start, 0.1)
        self.assert_error(reply, "expired", id="late")
        self.assertEqual(dealer.answered(), [])
        batch, = self.end(consumer)
        self.assertEqual((batch["size"], batch["summary"]), (1, 1))
        self.assert_ok(dealer.reply(held), size=1, result=1)

    def test_a_message_of_a_dealer_expires_and_is_never_processed(self):
        self.check_expires(self.dealer, lambda client, body: client.ask(body))

    def test_a_message_of_a_req_expires_and_is_never_processed(self):
        self.check_expires(self.req, lambda client, body: client.ask(body))
        self.check_expires(self.correlated_req, lambda client, body: client.ask(body))

    def test_messages_expire_in_the_order_of_their_deadlines(self):
        consumer = self.consumer("--interval", NEVER)
        dealer = self.dealer(consumer.endpoint)
        late, early, never, middle = dealer.send_all(
            {"value": 1, "deadline_ms": ms} for ms in (600, 100, 3_600_000, 300))
        self.assertEqual([dealer.frames()[0] for _ in range(3)], [early, middle, late])
        self.assertEqual(consumer.stop(), 0)
        self.assert_ok(dealer.reply(never), size=1, result=1)

    def test_an_id_that_has_expired_may_come_again(self):
        consumer = self.consumer("--interval", NEVER)
        dealer = self.dealer(consumer.endpoint)
        for _ in range(3):
            self.assert_error(dealer.ask({"value": 5, "id": "a", "deadline_ms": 1}), "expired")
        again = dealer.send({"value": 7, "id": "a"})
        dealer.sync()
        self.assertEqual(consumer.stop(), 0)
        self.assert_ok(dealer.reply(again), size=1, result=7, id="a")

    def test_the_first_copys_deadline_stays_when_a_message_is_taken_over(self):
        consumer = self.consumer("--interval", NEVER)
        first, second = self.dealer(consumer.endpoint), self.dealer(consumer.endpoint)
        lost = first.send({"value": 5, "id": "a", "deadline_ms": 300})
        first.sync()
        self.assert_error(second.ask({"value": 5, "id": "a", "deadline_ms": 3_600_000}), "expired")
        first.sync()
        self.assertNotIn(lost, first.answered())
        self.assertEqual(self.end(consumer), [])

    def test_a_message_that_expires_makes_room_for_others(self):
        consumer = self.consumer("--interval", NEVER, "--max-held", "2")
        dealer = self.dealer(consumer.endpoint)
        dealer.replies(dealer.send_all([{"value": 1, "deadline_ms": 1}] * 2))
        held = dealer.send_all([{"value": 2}, {"value": 3}])
        self.assert_error(dealer.ask({"value": 4}), "busy")
        self.assertEqual(consumer.stop(), 0)
        for reply in dealer.replies(held):
            self.assert_ok(reply, size=2, result=5)

    def test_who_has_only_expired_messages_is_not_in_the_batch(self):
        consumer = self.consumer("--interval", NEVER, "--barrier=2")
        one, other = (self.dealer(consumer.endpoint) for _ in range(2))
        self.assert_error(one.ask({"value": 100, "deadline_ms": 1}), "expired")
        held = other.send({"value": 1})
        other.sync()
        self.assertEqual(other.answered(), [])
        self.assert_ok(one.ask({"value": 2}), batch=2, size=2, result=3)
        self.assert_ok(other.reply(held), batch=2)

    def test_a_lingering_batch_that_has_lost_all_its_messages_was_never_one(self):
        consumer = self.lingering_consumer("200ms")
        dealer = self.dealer(consumer.endpoint)
        for _ in range(3):
            self.assert_error(dealer.ask({"value": 1, "deadline_ms": 1}), "expired")
        self.assert_ok(dealer.ask({"value": 2}), batch=1, size=1, result=2)
        self.assertGreaterEqual(consumer.wait_filled(1)[0]["hold_ms_max"], 200)

    def test_on_receipt_there_is_no_deadline(self):
        consumer = self.consumer("--interval", NEVER, "--reply", "immediate")
        req = self.req(consumer.endpoint)
        for _ in range(3):
            self.assertEqual(req.ask({"value": 2, "deadline_ms": 1}), {"status": "ok"})
        self.assertEqual([b["summary"] for b in self.end(consumer)], [6])

    def test_the_producers_deadline_is_kept_and_its_message_comes_again(self):
        for options in ((), ("--in-flight", "3", "--bundle", "2")):
            consumer = self.consumer("--interval", NEVER)
            producer = self.producer(consumer.endpoint, "--count", "2", "--deadline", "20ms",
                                     "--retry-for", "1s", *options)
            self.assertEqual(producer.wait(), 3)
            self.assertEqual(producer.acknowledged(), [])
            self.assertIn("expired", "\n".join(producer.stderr.all()))
            # Its last copy may still be held when the producer gives up, and then goes with the drain.
            self.assertEqual([b for b in self.end(consumer) if b["trigger"] != "drain"], [])


class Bytes(BlockyCase):

    def test_max_bytes_is_a_ceiling_whatever_the_sizes(self):
        """Each batch closes before the message that would pass it, and not one earlier."""
        chance = random.Random(3)
        most = 1000
        consumer = self.lingering_consumer(NEVER, "--max-bytes", str(most))
        dealer = self.dealer(consumer.endpoint)
        sizes = [chance.choice([20, 99, 250, 400, 999, most]) for _ in range(300)]
        tags = dealer.send_all(padded({"value": 1}, size) for size in sizes)
        dealer.sync()
        batches = self.end(consumer)
        self.assertEqual({r["status"] for r in dealer.replies(tags)}, {"ok"})
        place = 0
        for batch in batches:
            taken, place = sizes[place:place + batch["size"]], place + batch["size"]
            self.assertEqual(batch["bytes"], sum(taken))
            self.assertLessEqual(batch["bytes"], most)
            if batch["trigger"] == "bytes":
                following = sizes[place] if place < len(sizes) else 0
                self.assertTrue(batch["bytes"] == most or batch["bytes"] + following > most, batch)
            else:
                self.assertEqual((batch["trigger"], place), ("drain", len(sizes)))
        self.assertEqual(place, len(sizes))

    def test_bytes_close_a_batch_that_a_barrier_holds_open(self):
        consumer = self.consumer("--interval", NEVER, "--barrier=2", "--max-bytes", "100")
        dealer = self.dealer(consumer.endpoint)
        first, second = dealer.send_all([padded({"value": 1}, 60), padded({"value": 2}, 41)])
        self.assert_ok(dealer.reply(first), batch=2, size=1, result=1)
        dealer.sync()
        self.assertEqual(dealer.answered(), [])
        self.assertEqual(consumer.wait_filled(1)[0]["trigger"], "bytes")
        self.assert_ok(self.req(consumer.endpoint).ask({"value": 4}), batch=3, size=2, result=6)
        self.assert_ok(dealer.reply(second), batch=3)


if __name__ == "__main__":
    unittest.main()
