"""Clients that mean harm, or are broken: the others are served all the while, and the consumer's
memory stays bounded. The bounds are what docs/operations.md states.
"""

import resource
import threading
import unittest

import zmq
from zmq.utils.monitor import recv_monitor_message

from support.case import BlockyCase
from support.flood import Flood
from support.raw_tcp import GREETING, MESSAGE, PING, RawClient
from support.settings import DEADLINE, LONG, SANITIZER, main, scaled, seeded_random

MIB = 2**20


class Served:
    """Pushes one message after the other by a socket of its own while the body of `with` runs, each
    of which must be answered before a deadline; and some after it."""

    LEAST = 3

    def __init__(self, case, endpoint):
        self._req = case.req(endpoint)
        self._over = threading.Event()
        self._failure = None
        self._pushed = 0
        self._thread = threading.Thread(target=self._push)

    def _push(self):
        try:
            after = 0
            while after < self.LEAST:
                after += self._over.is_set()
                reply = self._req.ask({"value": 1}, DEADLINE)
                assert reply["status"] == "ok", reply
                self._pushed += 1
        except Exception as failure:  # pylint: disable=broad-except
            self._failure = failure

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._thread.join()
        if self._failure:
            raise AssertionError(f"a good client was not served: {self._failure!r}")


@unittest.skipIf(SANITIZER == "thread", "floods push out of its history what libzmq has done, and "
                 "so what says that a report is to be suppressed")
class HostileCase(BlockyCase):

    def setUp(self):
        super().setUp()
        self.random = seeded_random(self.id())

    def attacked(self, attack, mib, *options):
        """Runs attack(endpoint) against a consumer that others use; it may grow by so much."""
        consumer = self.consumer("--interval", "50ms", *options)
        with Served(self, consumer.endpoint):
            pass
        before = consumer.rss()
        with Served(self, consumer.endpoint):
            attack(consumer.endpoint)
        grown = (consumer.rss() - before) / MIB
        print(f"\n{self.id()}: {before / MIB:.1f} MiB, +{grown:.1f}")
        if not SANITIZER:
            self.assertLess(grown, mib)
        self.assertEqual(consumer.stop(), 0)
        return consumer

    def many(self, endpoint, count):
        """A DEALER with so many connections, all of which are there. One that connects to the same
        place again is ignored by ZeroMQ, unless it does so from somewhere else."""
        socket = self.context.socket(zmq.DEALER)
        self.addCleanup(socket.close, 0)
        monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        self.addCleanup(monitor.close, 0)
        self.addCleanup(socket.disable_monitor)
        here = endpoint.removeprefix("tcp://")
        for number in range(count):
            socket.connect(f"tcp://127.1.{number // 250}.{number % 250 + 1}:0;{here}")
        for number in range(count):
            self.assertTrue(monitor.poll(2 * DEADLINE * 1000), f"only {number} are connected")
            recv_monitor_message(monitor)
        return socket

    def raw(self, endpoint):
        client = RawClient(endpoint)
        self.addCleanup(client.close)
        return client


class Hostile(HostileCase):

    def test_random_multipart_messages(self):
        def attack(endpoint):
            dealer = self.dealer(endpoint)
            for _ in range(scaled(20_000)):
                dealer.send_frames([self.random.randbytes(self.random.choice((0, 0, 5, 300)))
                                    for _ in range(self.random.randint(1, 12))])
            dealer.send_frames([b"", b'{"value":1,"id":"the last"}'])
            while b"the last" not in dealer.frames()[-1]:
                pass
        self.attacked(attack, 16)

    def test_random_bytes_on_the_port(self):
        def attack(endpoint):
            for _ in range(scaled(300)):
                client = self.raw(endpoint)
                client.send(self.random.randbytes(self.random.randint(1, 4096)))
                client.close()
        self.attacked(attack, 16)

    def test_random_bytes_behind_a_good_handshake(self):
        def attack(endpoint):
            for _ in range(scaled(300)):
                client = self.raw(endpoint)
                client.greet()
                client.send(self.random.randbytes(self.random.randint(1, 4096)))
                client.close()
        self.attacked(attack, 16)

    def test_an_http_request_is_cut_off(self):
        def attack(endpoint):
            clients = [self.raw(endpoint) for _ in range(20)]
            for client in clients:
                client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for client in clients:
                client.wait_cut()
        self.attacked(attack, 16)

    def test_half_a_handshake_is_cut_off(self):
        def attack(endpoint):
            clients = [self.raw(endpoint) for _ in range(100)]
            for number, client in enumerate(clients):
                client.send(GREETING[:number % 64])
            for client in clients:
                client.wait_cut()
        self.attacked(attack, 16)

    def test_a_thousand_connections_that_never_speak(self):
        def attack(endpoint):
            strangers = [self.raw(endpoint) for _ in range(scaled(1_000))]
            self.many(endpoint, scaled(1_000))  # these do shake hands, and stay
            for client in strangers:
                client.wait_cut()
        self.attacked(attack, 96)

    def cut_off(self, pattern, *options):
        def attack(endpoint):
            clients = [self.raw(endpoint) for _ in range(50)]
            for client in clients:
                client.greet()
            for client in clients:
                client.send(pattern * 5_000)
                client.cut()
        self.attacked(attack, 64, *options)

    def test_floods_that_are_cut_off_in_the_middle(self):
        self.cut_off(MESSAGE)

    def test_floods_with_heartbeats_that_are_cut_off_in_the_middle(self):
        """libzmq answers a heartbeat at once, though it knows that nobody is there any more."""
        for options in (), ("--barrier",):
            with self.subTest(options=options):
                self.cut_off(MESSAGE + PING, *options)

    def test_a_frame_of_a_hundred_megabytes(self):
        def attack(endpoint):
            client = self.raw(endpoint)
            client.greet()
            size = 100_000_000
            client.send(b"\x02" + size.to_bytes(8, "big"))
            block = bytes(1_000_000)
            for _ in range(size // len(block)):
                if not client.send(block):
                    break
            client.wait_cut()
        self.attacked(attack, 16)

    def test_a_million_messages_from_one_who_reads_no_reply(self):
        def attack(endpoint):
            flood = self.keep(Flood(endpoint, scaled(1_000_000)))
            flood.wait_sent(8 * DEADLINE)
        consumer = self.attacked(attack, 160)
        # Beyond those that the queue of this client has room for.
        if not SANITIZER:
            consumer.stderr.wait_for_line(lambda line: "replies not delivered" in line)


class Many(HostileCase):

    def test_nine_thousand_that_never_speak_and_a_thousand_that_push(self):
        silent, pushing = (9_000, 1_000) if LONG and not SANITIZER else (900, 100)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < silent + pushing + 1_000:
            silent, pushing = 900, 100
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        consumer = self.consumer("--interval", "200ms", "--max-held", "1000000")
        before = consumer.rss()
        self.many(consumer.endpoint, silent)
        clients = self.many(consumer.endpoint, pushing)  # take turns with what is sent
        for _ in range(3):
            for _ in range(pushing):
                clients.send_multipart([b"", b'{"value":1}'])
            for _ in range(pushing):
                self.assertTrue(clients.poll(DEADLINE * 1000), "somebody was not answered")
                self.assertIn(b'"status":"ok"', clients.recv_multipart()[1])
        batch = max(consumer.filled(), key=lambda one: one["producers"])
        print(f"\n{self.id()}: {silent} silent, {pushing} pushing, {batch['producers']} in one "
              f"batch; {before / MIB:.1f} MiB, +{(consumer.rss() - before) / MIB:.1f}")
        if not SANITIZER:
            self.assertLess(consumer.rss() - before, (silent + pushing) * 48 * 1024 + 16 * MIB)
        self.assertEqual(consumer.stop(), 0)


if __name__ == "__main__":
    main()
