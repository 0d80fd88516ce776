"""A consumer that obeys the test: takes the real producer's requests, answers what it is told."""

import time
from typing import NamedTuple

import zmq

from support.clients import encode
from support.settings import DEADLINE
from support.strict_json import strict_json


class Received(NamedTuple):
    """One request: its return address, its members, and when it was read."""

    envelope: list
    members: dict
    arrival: float

    @property
    def id(self):
        return self.members["id"]

    @property
    def value(self):
        return self.members["value"]


class FakeConsumer:
    """A ROUTER of its own; it has its own context, so that close() really frees the port."""

    def __init__(self, endpoint="tcp://127.0.0.1:*"):
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.bind(endpoint)
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self.batch = 0

    def receive(self, seconds=DEADLINE):
        """The next request, which must be one body frame behind an empty delimiter."""
        if not self._socket.poll(seconds * 1000):
            raise AssertionError(f"no request within {seconds:.1f} s")
        frames = self._socket.recv_multipart()
        end = frames.index(b"") + 1
        assert len(frames) == end + 1, f"a request with {len(frames) - end} body frames"
        return Received(frames[:end], strict_json(frames[end]), time.monotonic())

    def reply(self, request, body):
        self._socket.send_multipart([*request.envelope, encode(body)])

    def ok(self, request, **members):
        """Acknowledges a request as if it had been alone in the next batch."""
        self.batch += 1
        body = {"status": "ok", "id": request.id, "batch": self.batch, "size": 1, **members}
        self.reply(request, body)

    def error(self, request, code, retry, **members):
        body = {"status": "error", "id": request.id, "code": code,
                "message": f"This is {code}.", "retry": retry, **members}
        self.reply(request, body)

    def serve(self, count, seconds=DEADLINE):
        """Acknowledges the next `count` requests, and returns them."""
        requests = []
        for _ in range(count):
            requests.append(self.receive(seconds))
            self.ok(requests[-1])
        return requests

    def serve_to_end(self, producer, answer=None):
        """Gives all that comes the same answer, `ok` by default, until the producer has ended.

        Returns its exit code. A producer with a short timeout may send more often than expected.
        """
        end = time.monotonic() + DEADLINE
        while not producer.ended(0.02) and time.monotonic() < end:
            while self._socket.poll(0):
                (answer or self.ok)(self.receive())
        return producer.wait(0)

    def close(self):
        self._context.destroy(linger=0)
