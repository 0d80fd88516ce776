"""How blocky-producer takes what a consumer does to it: silence, errors, nonsense, a broken
connection.

The consumer is a fake that obeys the test, so that every reply is chosen and every request is seen.
"""

import socket
import time
import unittest

from support.case import BlockyCase
from support.settings import DEADLINE, SLOW, scaled

NOT_UNDERSTOOD = [
    b"", b"not json", b"{}", b"[]", b"null", b'"ok"', b'{"status":"maybe"}', b'{"status":1}',
    b'{"status":"ok"', b'{"status":"OK"}', b'\xff\xfe', b"[" * 10_000,
    b'{"status":"ok","id":"somebody-else:1:1","batch":1,"size":1}',
]


class Requests(BlockyCase):

    def test_a_request_is_one_json_object_with_value_producer_and_id(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--name", "me", "--count", "3")
        for number, request in enumerate(fake.serve(3), start=1):
            self.assertLessEqual({"value", "producer", "id"}, set(request.members))
            self.assertLessEqual(set(request.members), {"value", "producer", "id", "v"})
            self.assertEqual((request.value, request.members["producer"]), (number, "me"))
            self.assertEqual(request.members.get("v", 1), 1)
        self.assertEqual(producer.wait(), 0)

    def test_the_next_request_comes_only_after_the_reply(self):
        fake = self.fake_consumer()
        self.producer(fake.endpoint, "--count", "2", "--timeout", "1m")
        first = fake.receive()
        with self.assertRaises(AssertionError):
            fake.receive(seconds=0.2)
        fake.ok(first)
        self.assertEqual(fake.receive().value, 2)


class Errors(BlockyCase):

    def test_after_busy_it_waits_as_told_and_sends_the_same_again(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--count", "1")
        request = fake.receive()
        for _ in range(3):
            fake.error(request, "busy", True, retry_after_ms=200)
            told = time.monotonic()
            again = fake.receive()
            self.assertEqual((again.id, again.value), (request.id, request.value))
            self.assertGreater(again.arrival - told, 0.150)
            request = again
        fake.ok(request)
        self.assertEqual(producer.wait(), 0)

    def test_after_an_error_with_retry_it_sends_the_same_again(self):
        for code in ("sink_failed", "expired", "shutting_down", "new_one"):
            with self.subTest(code=code):
                fake = self.fake_consumer()
                producer = self.producer(fake.endpoint, "--count", "1")
                request = fake.receive()
                fake.error(request, code, True)
                again = fake.receive()
                self.assertEqual((again.id, again.value), (request.id, request.value))
                fake.ok(again)
                self.assertEqual(producer.wait(), 0)

    def test_an_error_without_retry_is_reported_and_skipped_and_the_exit_is_3(self):
        for code in ("rejected", "bad_request", "too_large", "unsupported_version", "new_one"):
            with self.subTest(code=code):
                fake = self.fake_consumer()
                producer = self.producer(fake.endpoint, "--count", "2")
                fake.ok(fake.receive())
                refused = fake.receive()
                fake.error(refused, code, False)
                after = fake.receive()
                self.assertNotEqual(after.id, refused.id)
                fake.ok(after)
                self.assertEqual(producer.wait(), 3)
                text = "\n".join(producer.stderr.all())
                self.assertIn(code, text)
                self.assertIn(refused.id, text)

    def test_an_error_that_lacks_the_id_is_about_the_message_in_flight(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--count", "1")
        refused = fake.receive()
        fake.reply(refused, {"status": "error", "code": "bad_request", "message": "No.",
                             "retry": False})
        after = fake.receive()
        self.assertNotEqual(after.id, refused.id)
        fake.ok(after)
        self.assertEqual(producer.wait(), 3)

    def test_a_duplicate_is_an_acknowledgement(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--count", "2")
        for _ in range(2):
            request = fake.receive()
            fake.reply(request, {"status": "ok", "id": request.id, "duplicate": True})
        self.assertEqual(producer.wait(), 0)

    def test_members_of_the_future_in_a_reply_do_no_harm(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--count", "2")
        for _ in range(2):
            fake.ok(fake.receive(), result={"any": [None, 1.5]}, future="x")
        self.assertEqual(producer.wait(), 0)


class Silence(BlockyCase):

    def test_without_a_reply_the_same_is_sent_again_and_again(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--count", "1", "--timeout", "400ms")
        requests = [fake.receive() for _ in range(5)]
        self.assertEqual(len({(request.id, request.value) for request in requests}), 1)
        self.assertGreater(requests[-1].arrival - requests[0].arrival, 1.200)
        self.assertEqual(fake.serve_to_end(producer), 0)

    def test_a_late_reply_to_the_first_copy_is_never_taken_for_the_next_message(self):
        fake = self.fake_consumer()
        self.producer(fake.endpoint, "--timeout", "400ms")
        first, again = fake.receive(), fake.receive()
        while again.id == first.id:
            fake.ok(again)
            again = fake.receive()
        for _ in range(3):
            fake.ok(first)
        self.assertEqual(fake.receive().id, again.id)

    def test_a_reply_that_is_not_understood_is_no_acknowledgement(self):
        for body in NOT_UNDERSTOOD:
            with self.subTest(body=body[:60]):
                fake = self.fake_consumer()
                producer = self.producer(fake.endpoint, "--count", "1", "--timeout", "200ms")
                request = fake.receive()
                fake.reply(request, body)
                again = fake.receive()
                self.assertEqual((again.id, again.value), (request.id, request.value))
                fake.ok(again)
                self.assertEqual(fake.serve_to_end(producer), 0)

    def assert_gives_up(self, producer, *names):
        self.assertEqual(producer.wait(), 3)
        text = "\n".join(producer.stderr.all())
        for name in names:
            self.assertIn(name, text)

    def test_it_gives_up_after_retry_for_and_names_the_message(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--timeout", "200ms", "--retry-for", "700ms")
        request = fake.receive()
        self.assert_gives_up(producer, request.id)

    def test_it_gives_up_when_nobody_is_there_and_names_the_message(self):
        producer = self.producer(f"ipc://{self.directory}/nobody", "--name", "lonely",
                                 "--retry-for", "300ms")
        self.assert_gives_up(producer, "lonely:")

    def test_it_gives_up_when_the_consumer_is_busy_for_ever(self):
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--retry-for", "500ms")
        request = fake.receive()
        fake.error(request, "busy", True, retry_after_ms=100)
        fake.serve_to_end(producer, lambda r: fake.error(r, "busy", True, retry_after_ms=100))
        self.assert_gives_up(producer, request.id)


class BrokenConnections(BlockyCase):

    def test_what_is_in_flight_goes_again_as_soon_as_the_connection_is_back(self):
        """Long before the timeout, which is a minute; and every time, not only the first."""
        for endpoint in ("tcp://127.0.0.1:*", f"ipc://{self.directory}/socket"):
            with self.subTest(endpoint=endpoint):
                fake = self.fake_consumer(endpoint)
                producer = self.producer(fake.endpoint, "--timeout", "1m", "--count", "2")
                fake.serve(1)
                held = fake.receive()
                for _ in range(scaled(25)):
                    fake.close()
                    fake = self.fake_consumer(fake.endpoint)
                    again = fake.receive(seconds=2.0 * SLOW)
                    self.assertEqual((again.id, again.value), (held.id, held.value))
                fake.ok(again)
                self.assertEqual(producer.wait(), 0)

    def test_it_waits_for_a_consumer_that_is_not_there_yet(self):
        endpoint = f"ipc://{self.directory}/socket"
        producer = self.producer(endpoint, "--count", "3", "--name", "early")
        fake = self.fake_consumer(endpoint)
        self.assertEqual([request.value for request in fake.serve(3)], [1, 2, 3])
        self.assertEqual(producer.wait(), 0)

    def test_requests_do_not_pile_up_while_nobody_is_there(self):
        """It retries all the time, but the consumer that comes back gets the message once.

        Once more at most, if a timeout falls into that moment.
        """
        fake = self.fake_consumer()
        self.producer(fake.endpoint, "--timeout", "300ms")
        held = fake.receive()
        fake.close()
        port = int(fake.endpoint.rpartition(":")[2])
        with socket.create_server(("127.0.0.1", port)) as mute:
            mute.settimeout(DEADLINE)
            for _ in range(10):
                mute.accept()[0].close()
        fake = self.fake_consumer(fake.endpoint)
        copies = 0
        while (request := fake.receive()).id == held.id:
            copies += 1
            fake.ok(request)
        self.assertIn(copies, (1, 2))

    def test_the_next_endpoint_is_used_when_the_first_is_not_there(self):
        fake = self.fake_consumer()
        producer = self.producer(f"ipc://{self.directory}/nobody", "--connect", fake.endpoint,
                                 "--count", "5", "--timeout", "2s")
        self.assertEqual([r.value for r in fake.serve(5)], [1, 2, 3, 4, 5])
        self.assertEqual(producer.wait(), 0)

    def test_the_next_endpoint_is_used_when_the_first_stops_answering(self):
        silent, other = self.fake_consumer(), self.fake_consumer()
        producer = self.producer(silent.endpoint, "--connect", other.endpoint, "--count", "3",
                                 "--timeout", "1s")
        silent.serve(1)
        held = silent.receive()
        moved = other.receive()
        self.assertEqual((moved.id, moved.value), (held.id, held.value))
        other.ok(moved)
        self.assertEqual(other.serve(1)[0].value, 3)
        self.assertEqual(producer.wait(), 0)

    def test_the_next_endpoint_is_used_when_the_first_is_gone(self):
        first, other = self.fake_consumer(), self.fake_consumer()
        producer = self.producer(first.endpoint, "--connect", other.endpoint, "--count", "2",
                                 "--timeout", "1s")
        first.serve(1)
        held = first.receive()
        first.close()
        moved = other.receive(DEADLINE)
        self.assertEqual(moved.id, held.id)
        other.ok(moved)
        self.assertEqual(producer.wait(), 0)


if __name__ == "__main__":
    unittest.main()
