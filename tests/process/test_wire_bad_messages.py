"""Every kind of bad message: it gets its error at once or is dropped, and nobody else notices.

While one client's messages are held, another one sends what is wrong; then the batch is closed, and
must hold exactly what it would have held anyway.
"""

import json
import os
import random
import socket
import unittest

from support.bad_bodies import KINDS
from support.case import BlockyCase
from support.clients import encode
from support.settings import scaled


class HeldMeanwhile(BlockyCase):
    """Three messages are held before each test, and must come out unharmed after it."""

    def setUp(self):
        super().setUp()
        self.consumer_ = self.batching_consumer(4)
        self.victim = self.dealer(self.consumer_.endpoint)
        self.attacker = self.dealer(self.consumer_.endpoint)
        self.held = self.victim.send_all([{"value": 1, "id": "a"}, {"value": 20}, {"value": 300}])
        self.victim.sync()

    def assert_unharmed(self):
        self.victim.sync()
        self.assertEqual(self.victim.answered(), [])
        self.held.append(self.victim.send({"value": 4000}))
        for reply in self.victim.replies(self.held):
            self.assertEqual((reply["batch"], reply["size"], reply["result"]), (2, 4, 4321), reply)

    def assert_refused(self, frames, own=()):
        """These frames of the attacker are refused at once; its own frames come back first."""
        self.attacker.send_frames(frames)
        answer = self.attacker.frames()
        self.assertEqual(answer[:-1], [*own, b""])
        self.assert_error(json.loads(answer[-1]), "bad_request")

    def assert_dropped(self, frames):
        """Nothing comes back for these, and the connection goes on."""
        self.attacker.send_frames(frames)
        self.attacker.sync()
        self.assertEqual(self.attacker.answered(), [])


class Bodies(HeldMeanwhile):

    def test_every_bad_body_is_refused_at_once_and_the_open_batch_is_untouched(self):
        for kind, bodies in KINDS.items():
            for body in bodies:
                with self.subTest(kind=kind, body=encode(body)[:80]):
                    self.assert_error(self.attacker.ask(body), "bad_request")
        self.assert_unharmed()

    def test_a_refusal_carries_the_id_when_there_is_one(self):
        for rest in [{"value": "x"}, {}, {"value": 1, "producer": ""}]:
            body = {"id": "mine", **rest}
            self.assert_error(self.attacker.ask(body), "bad_request", id="mine")
        self.assert_unharmed()

    def test_bad_messages_that_arrive_in_one_rush_are_each_refused(self):
        bodies = [body for kind in KINDS.values() for body in kind] * scaled(5)
        for reply in self.attacker.replies(self.attacker.send_all(bodies)):
            self.assert_error(reply, "bad_request")
        self.assert_unharmed()

    def test_a_refused_id_is_not_remembered(self):
        self.assert_error(self.attacker.ask({"value": "x", "id": "again"}), "bad_request")
        tag = self.attacker.send({"value": 4000, "id": "again"})
        self.assert_ok(self.attacker.reply(tag), size=4, result=4321, id="again")
        self.victim.replies(self.held)


class Frames(HeldMeanwhile):

    BODY = b'{"value":1}'

    def test_no_body_frame_is_refused(self):
        self.assert_refused([b""])
        self.assert_refused([b"own", b""], own=[b"own"])
        self.assert_unharmed()

    def test_more_than_one_body_frame_is_refused(self):
        self.assert_refused([b"", self.BODY, self.BODY])
        self.assert_refused([b"own", b"", self.BODY, b""], own=[b"own"])
        self.assert_refused([b"", b"", self.BODY])
        self.assert_refused([b"", *[b"x"] * 10_000])
        self.assert_unharmed()

    def test_frames_before_the_delimiter_come_back_untouched(self):
        own = [b"\x00\xff", b"two", b"x" * 10_000, *[b"n"] * 7]
        self.assert_refused([*own, b"", b"bad"], own=own)
        self.assert_unharmed()

    def test_a_message_without_a_delimiter_is_dropped(self):
        for frames in [[self.BODY], [b"x", self.BODY], [b"x"] * 10_000]:
            self.assert_dropped(frames)
        self.assert_unharmed()

    def test_a_delimiter_beyond_the_first_frames_is_dropped(self):
        for before in (20, 1000):
            self.assert_dropped([*[b"x"] * before, b"", self.BODY])
        self.assert_unharmed()

    def test_ten_thousand_frames_do_no_harm_again_and_again(self):
        for _ in range(scaled(20)):
            self.assert_dropped([b"x"] * 10_000)
            self.assert_refused([b"", *[self.BODY] * 10_000])
        self.assert_unharmed()


class Noise(BlockyCase):

    def mutate(self, chance, body):
        """The body with some of its bytes changed, lost, doubled, or cut off."""
        text = bytearray(body)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text)) if text else 0
            change = chance.randrange(4)
            if change == 0 and text:
                text[at] = chance.randrange(256)
            elif change == 1:
                del text[at:at + chance.randint(1, 5)]
            elif change == 2:
                text[at:at] = chance.randbytes(chance.randint(1, 4))
            else:
                text[at:at] = text[at:at + chance.randint(1, 10)]
        return bytes(text)

    def test_whatever_the_bytes_are_everyone_gets_an_answer(self):
        seed = int(os.environ.get("BLOCKY_SEED") or random.SystemRandom().randrange(2**32))
        chance = random.Random(seed)
        dealer = self.dealer(self.batching_consumer(1).endpoint)
        with self.subTest(seed=seed):
            for number in range(scaled(3000)):
                good = encode({"value": 12, "producer": "p", "id": f"id-{number}", "v": 1})
                body = self.mutate(chance, good)
                with self.subTest(body=body):
                    self.assertIn(dealer.ask(body)["status"], ("ok", "error"))

    def test_garbage_on_the_bare_connection_does_no_harm(self):
        consumer = self.batching_consumer(2)
        host, port = consumer.endpoint.removeprefix("tcp://").split(":")
        dealer = self.dealer(consumer.endpoint)
        held = dealer.send({"value": 1})
        dealer.sync()
        for text in [
            b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" + b"\0" * 200, b"\xff\0\0\0\0\0\0\0\1\x7f\3",
            os.urandom(5000),
        ]:
            with socket.create_connection((host, int(port)), timeout=5) as raw:
                raw.sendall(text)
        dealer.sync()
        self.assertEqual(dealer.answered(), [])
        self.assert_ok(dealer.ask({"value": 2}), size=2, result=3)
        self.assert_ok(dealer.reply(held), size=2, result=3)


if __name__ == "__main__":
    unittest.main()
