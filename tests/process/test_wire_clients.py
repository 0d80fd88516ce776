"""Clients that nobody here wrote: REQ, correlated REQ and DEALER of pyzmq, direct and through a
proxy.

What they have in common is the REQ envelope; what comes before the delimiter must come back as it
was.
"""

import threading
import unittest

import zmq

from support.case import BlockyCase
from support.settings import DEADLINE, scaled


class Proxy:
    """A ROUTER-DEALER proxy in a thread, between clients and a consumer."""

    def __init__(self, context, backend_endpoint):
        self._frontend = context.socket(zmq.ROUTER)
        self._backend = context.socket(zmq.DEALER)
        self._control, self._steering = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        self._frontend.bind("tcp://127.0.0.1:*")
        self.endpoint = self._frontend.getsockopt_string(zmq.LAST_ENDPOINT)
        self._backend.connect(backend_endpoint)
        self._control.bind(f"inproc://steer-{id(self)}")
        self._steering.connect(f"inproc://steer-{id(self)}")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        zmq.proxy_steerable(self._frontend, self._backend, None, self._control)

    def close(self):
        self._steering.send(b"TERMINATE")
        self._thread.join(DEADLINE)
        for socket in (self._frontend, self._backend, self._control, self._steering):
            socket.close(0)


class Clients(BlockyCase):

    def proxy(self, endpoint):
        proxy = Proxy(self.context, endpoint)
        self.addCleanup(proxy.close)
        return proxy

    def assert_all_kinds_get_their_own_reply(self, endpoint):
        """Six clients of three kinds share a batch, three times."""
        kinds = [self.req, self.correlated_req, self.dealer] * 2
        clients = [kind(endpoint) for kind in kinds]
        for turn in range(3):
            sent = [client.send({"value": turn, "id": f"{turn}-{n}"})
                    for n, client in enumerate(clients)]
            for n, (client, tag) in reversed(list(enumerate(zip(clients, sent)))):
                reply = client.reply(*([tag] if tag else []))
                self.assert_ok(reply, size=6, result=6 * turn, id=f"{turn}-{n}")

    def test_every_kind_of_client_gets_its_own_reply(self):
        self.assert_all_kinds_get_their_own_reply(self.batching_consumer(6).endpoint)

    def test_every_kind_of_client_gets_its_own_reply_over_ipc(self):
        endpoint = f"ipc://{self.directory}/socket"
        self.batching_consumer(6, bind=[endpoint])
        self.assert_all_kinds_get_their_own_reply(endpoint)

    def test_every_kind_of_client_gets_its_own_reply_behind_a_proxy(self):
        proxy = self.proxy(self.batching_consumer(6).endpoint)
        self.assert_all_kinds_get_their_own_reply(proxy.endpoint)

    def test_every_kind_of_client_gets_its_own_reply_behind_two_proxies(self):
        inner = self.proxy(self.batching_consumer(6).endpoint)
        self.assert_all_kinds_get_their_own_reply(self.proxy(inner.endpoint).endpoint)

    def test_errors_come_back_to_every_kind_of_client_and_it_goes_on(self):
        consumer = self.batching_consumer(1)
        proxy = self.proxy(consumer.endpoint)
        for endpoint in (consumer.endpoint, proxy.endpoint):
            for kind in (self.req, self.correlated_req, self.dealer):
                client = kind(endpoint)
                self.assert_error(client.ask(b"bad"), "bad_request")
                self.assert_error(client.ask({"v": 2}), "unsupported_version")
                self.assert_ok(client.ask({"value": 3}), size=1, result=3)

    def test_a_correlated_req_that_sends_again_gets_the_reply_to_its_last_request(self):
        consumer = self.batching_consumer(2)
        client, other = self.correlated_req(consumer.endpoint), self.dealer(consumer.endpoint)
        for _ in range(3):
            client.send({"value": 1, "id": "again"})
        other.send({"value": 2})
        self.assert_ok(client.reply(), size=2, result=3, id="again")
        other.send({"value": 4})
        self.assert_ok(client.ask({"value": 3, "id": "next"}), size=2, result=7, id="next")

    def test_a_correlated_req_never_takes_the_reply_to_a_request_it_gave_up(self):
        consumer = self.batching_consumer(3)
        client, other = self.correlated_req(consumer.endpoint), self.dealer(consumer.endpoint)
        client.send({"value": 1, "id": "given-up"})
        client.send({"value": 2, "id": "wanted"})
        other.send({"value": 4})
        self.assert_ok(client.reply(), size=3, result=7, id="wanted")

    def test_a_dealer_with_several_frames_of_its_own_gets_them_back_in_order(self):
        dealer = self.dealer(self.batching_consumer(1).endpoint)
        for own in ([], [b"one"], [b"\0", b"\xff" * 300, b"three"], [b"n"] * 10):
            dealer.send_frames([*own, b"", b'{"value":1}'])
            answer = dealer.frames()
            self.assertEqual(answer[:-1], [*own, b""])
            self.assertIn(b'"ok"', answer[-1])

    def test_clients_of_several_endpoints_share_a_batch(self):
        consumer = self.consumer(
            "--interval", "10m", "--max-items", "3", endpoints=3,
            bind=["tcp://127.0.0.1:*", "tcp://127.0.0.1:*", f"ipc://{self.directory}/socket"])
        clients = [self.req(endpoint) for endpoint in consumer.wait_listening(3)]
        for client in clients:
            client.send({"value": 1})
        for client in clients:
            self.assert_ok(client.reply(), size=3, result=3)
        self.assertEqual(consumer.wait_filled(1)[0]["producers"], 3)

    def test_one_connection_with_many_in_flight_counts_as_one_producer(self):
        consumer = self.batching_consumer(20)
        dealer = self.dealer(consumer.endpoint)
        dealer.replies(dealer.send_all([{"value": 1}] * 20))
        batch = consumer.wait_filled(1)[0]
        self.assertEqual((batch["size"], batch["producers"]), (20, 1))

    def test_many_messages_in_flight_on_one_connection_are_all_answered(self):
        count = scaled(20_000)
        consumer = self.consumer("--interval", "50ms")
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all({"value": 1, "id": str(n)} for n in range(count))
        replies = [dealer.frames() for _ in tags]
        self.assertEqual([frames[0] for frames in replies], tags)
        self.assertTrue(all(b'"ok"' in frames[-1] for frames in replies))
        self.assertEqual(sum(b["summary"] for b in self.end(consumer)), count)


if __name__ == "__main__":
    unittest.main()
