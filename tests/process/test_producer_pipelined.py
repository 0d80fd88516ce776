"""blocky-producer with many messages in flight, and several of them in a request.

The consumer is a fake that obeys the test, except where the two programs meet.
"""

import os
import signal
import time
import unittest

from support.case import BlockyCase
from support.settings import SLOW, scaled


class Pipelined(BlockyCase):

    def test_many_are_in_flight_in_order_each_with_a_tag_of_its_own(self):
        fake = self.fake_consumer()
        self.producer(fake.endpoint, "--in-flight", "5")
        requests = [fake.receive() for _ in range(5)]
        self.assertEqual([request.value for request in requests], [1, 2, 3, 4, 5])
        self.assertEqual(len({request.envelope[1] for request in requests}), 5)
        with self.assertRaises(AssertionError):
            fake.receive(seconds=0.2)
        fake.ok(requests[3])
        self.assertEqual(fake.receive().value, 6)

    def test_one_in_flight_is_lock_step(self):
        fake = self.fake_consumer()
        self.producer(fake.endpoint, "--in-flight", "1")
        first = fake.receive()
        with self.assertRaises(AssertionError):
            fake.receive(seconds=0.2)
        fake.ok(first)
        self.assertEqual(fake.receive().value, 2)

    def test_count_is_of_acknowledged_messages_and_never_passed(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--in-flight", "10", "--count", "3")
        requests = [fake.receive() for _ in range(3)]
        with self.assertRaises(AssertionError):
            fake.receive(seconds=0.2)
        fake.error(requests[1], "rejected", False)
        fourth = fake.receive()
        self.assertEqual(fourth.value, 4)
        for request in (requests[0], requests[2], fourth):
            fake.ok(request)
        self.assertEqual(producer.wait(), 3)
        self.assertEqual(len(producer.acknowledged()), 3)
        self.assertTrue(any(requests[1].id in line for line in producer.stderr.all()))

    def test_a_lost_connection_sends_the_same_again_first_and_in_order(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--in-flight", "4", "--timeout", "1m",
                                 "--count", "4")
        ids = [fake.receive().id for _ in range(4)]
        for _ in range(scaled(5)):
            fake.close()
            fake = self.fake_consumer(fake.endpoint)
            again = [fake.receive() for _ in range(4)]
            self.assertEqual([request.id for request in again], ids)
        for request in again:
            fake.ok(request)
        self.assertEqual(producer.wait(), 0)

    def test_a_message_is_given_up_and_named(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--in-flight", "2", "--retry-for", "300ms")
        lost = [fake.receive().id for _ in range(2)]
        self.assertEqual(producer.wait(), 3)
        text = "\n".join(producer.stderr.all())
        for message_id in lost:
            self.assertIn(message_id, text)

    def test_a_deadline_is_in_every_request(self):
        for options in ((), ("--in-flight", "2")):
            fake = self.fake_consumer()
            self.producer(fake.endpoint, "--deadline", "1500ms", *options)
            self.assertEqual(fake.receive().members["deadline_ms"], 1500)

    def test_a_rate_is_kept_with_many_in_flight(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--in-flight", "10", "--rate", "50", "--count",
                                 "26", log="quiet")
        arrivals = [request.arrival for request in fake.serve(26)]
        self.assertEqual(producer.wait(), 0)
        for number, arrival in enumerate(arrivals):
            self.assertGreater(arrival - arrivals[0], 0.020 * number - 0.100, number)

    def test_lines_that_come_one_by_one_go_one_by_one(self):
        fake = self.fake_consumer()
        reading, writing = os.pipe()
        producer = self.producer(fake.endpoint, "--input", "-", "--in-flight", "10", "--bundle",
                                 "10", stdin=reading)
        os.close(reading)
        os.write(writing, b"1\n")
        first = fake.receive()
        self.assertEqual(first.value, 1)
        os.write(writing, b"2\n3")
        second = fake.receive()
        self.assertEqual(second.value, 2)
        fake.ok(first)
        producer.wait_replies(1)  # although it waits for the rest of the line
        os.close(writing)
        third = fake.receive()
        self.assertEqual(third.value, 3)
        fake.ok(second)
        fake.ok(third)
        self.assertEqual(producer.wait(), 0)

    def test_a_signal_waits_two_seconds_for_what_is_in_flight(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--in-flight", "2")
        first, second = fake.receive(), fake.receive()
        producer.send_signal(signal.SIGTERM)
        fake.ok(first)
        self.assertFalse(producer.ended(1.0))
        self.assertEqual(producer.wait(2.5 * SLOW), 3)
        text = "\n".join(producer.stderr.all())
        self.assertIn(second.id, text)
        self.assertNotIn(first.id, text)

    def test_a_signal_ends_it_with_0_when_all_is_answered_in_time(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--in-flight", "2")
        requests = [fake.receive(), fake.receive()]
        producer.send_signal(signal.SIGINT)
        for request in requests:
            fake.ok(request)
        self.assertEqual(producer.wait(2.5 * SLOW), 0)

    def test_both_programs_together_lose_and_double_nothing(self):
        count = scaled(20000)
        consumer = self.batching_consumer(count, "--max-held", str(count))
        producer = self.producer(consumer.endpoint, "--in-flight", str(count), "--count",
                                 str(count), log="quiet")
        batch = consumer.wait_batch(lambda b: b["size"] == count)
        self.assertEqual(batch["summary"], count * (count + 1) // 2)
        self.assertEqual(producer.wait(), 0)


class Bundles(BlockyCase):

    def bundle(self, request):
        return [(member["id"], member["value"]) for member in request.members["messages"]]

    def producer_of_bundles(self, fake, *options, **how):
        return self.producer(fake.endpoint, "--in-flight", "6", "--bundle", "3", "--name", "me",
                             *options, **how)

    def test_what_waits_travels_together(self):
        fake = self.fake_consumer()
        self.producer_of_bundles(fake, "--deadline", "2s")
        first, second = fake.receive(), fake.receive()
        self.assertEqual([value for _, value in self.bundle(first)], [1, 2, 3])
        self.assertEqual([value for _, value in self.bundle(second)], [4, 5, 6])
        self.assertEqual(first.members["producer"], "me")
        self.assertEqual(first.members["deadline_ms"], 2000)
        self.assertEqual(set(first.members), {"producer", "deadline_ms", "messages"})

    def test_one_ok_is_printed_as_one_for_each(self):
        for log in ("json", "text"):
            fake = self.fake_consumer()
            producer = self.producer_of_bundles(fake, "--count", "3", log=log)
            request = fake.receive()
            fake.reply(request, {"status": "ok", "count": 3, "batch": 7, "size": 9, "result": 5})
            self.assertEqual(producer.wait(), 0)
            lines = producer.stdout.all()
            self.assertEqual(len(lines), 3)
            for (message_id, _), line in zip(self.bundle(request), lines):
                self.assertIn(message_id, line)
            if log == "json":
                for reply in producer.replies():
                    self.assert_ok(reply, size=9, result=5, batch=7, id=reply["id"])

    def test_each_message_of_a_mixed_reply_has_its_own_verdict(self):
        fake = self.fake_consumer()
        producer = self.producer_of_bundles(fake, "--count", "2")
        request = fake.receive()
        (first, _), (second, _) = self.bundle(request)
        fake.reply(request, {"status": "mixed", "replies": [
            {"status": "ok", "id": first, "duplicate": True},
            {"status": "error", "id": second, "code": "rejected", "message": "No.",
             "retry": False}]})
        third = fake.receive()
        fake.ok(third)
        self.assertEqual(producer.wait(), 3)
        self.assertEqual([r["id"] for r in producer.acknowledged()], [first, third.id])
        self.assertTrue(any(second in line for line in producer.stderr.all()))

    def test_a_bundle_that_is_refused_goes_again_one_by_one(self):
        fake = self.fake_consumer()
        producer = self.producer_of_bundles(fake, "--count", "2")
        request = fake.receive()
        fake.reply(request, {"status": "error", "code": "too_large", "message": "No.",
                             "retry": False})
        again = [fake.receive(), fake.receive()]
        self.assertEqual([(r.id, r.value) for r in again], self.bundle(request))
        for single in again:
            fake.ok(single)
        self.assertEqual(producer.wait(), 0)

    def test_a_bundle_that_is_busy_goes_again_whole_and_nothing_else_meanwhile(self):
        fake = self.fake_consumer()
        self.producer_of_bundles(fake)
        first, second = fake.receive(), fake.receive()
        fake.reply(first, {"status": "error", "code": "busy", "message": "Full.", "retry": True,
                           "retry_after_ms": 300})
        told = time.monotonic()
        fake.reply(second, {"status": "ok", "count": 3, "batch": 1, "size": 3})
        again = fake.receive()
        self.assertGreater(again.arrival - told, 0.250)
        self.assertEqual(self.bundle(again), self.bundle(first))
        self.assertEqual([value for _, value in self.bundle(fake.receive())], [7, 8, 9])

    def test_a_bundle_never_passes_the_limit_on_bytes(self):
        fake = self.fake_consumer()
        path = self.input_file("\n".join(f'"{"x" * 100}"' for _ in range(10)))
        producer = self.producer(fake.endpoint, "--input", path, "--in-flight", "10", "--bundle",
                                 "10", "--max-message-bytes", "400", "--name", "me")
        seen = 0
        while seen < 10:
            request = fake.receive()
            if "messages" in request.members:
                count = len(request.members["messages"])
                self.assertLessEqual(count, 3)
                fake.reply(request, {"status": "ok", "count": count, "batch": 1, "size": count})
            else:
                count = 1
                fake.ok(request)
            seen += count
        self.assertEqual(producer.wait(), 0)


class Usage(BlockyCase):

    def test_bad_values_are_named(self):
        for options in (("--in-flight", "0"), ("--in-flight", "x"), ("--bundle", "10001"),
                        ("--deadline", "0s"), ("--bundle", "2"),
                        ("--bundle", "2", "--in-flight", "1")):
            with self.subTest(options=options):
                outcome = self.run_to_end("blocky-producer", *options)
                self.assertEqual((outcome.code, len(outcome.error_lines)), (2, 1), outcome)
                self.assertIn(options[0], outcome.stderr)
        self.assertIn("--in-flight", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
