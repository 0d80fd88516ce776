"""Foreign clients on the wire: REQ, correlated REQ and DEALER, none with Blocky's code in it."""

import itertools
import json

import zmq
from zmq.utils.monitor import recv_monitor_message

from support.settings import DEADLINE
from support.strict_json import strict_json


def encode(body):
    """The body frame of a request: bytes as they are, anything else as JSON."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def padded(body, size):
    """The body with spaces behind it, exactly `size` bytes long."""
    text = encode(body)
    assert len(text) <= size, f"{len(text)} bytes do not fit in {size}"
    return text.ljust(size)


class Client:
    """One connected socket; whatever it receives must come before a deadline."""

    def __init__(self, context, endpoint, kind):
        self.socket = context.socket(kind)
        self.socket.linger = 0
        self._monitor = None
        self._prepare()
        self.socket.connect(endpoint)

    def _prepare(self):
        """Options that must be set before the connection."""

    def frames(self, seconds=DEADLINE):
        """The next message, all frames of it."""
        if not self.socket.poll(seconds * 1000):
            raise AssertionError(f"no reply within {seconds:.1f} s")
        return self.socket.recv_multipart()

    def watch(self):
        """Starts recording the events of the connection, for wait_disconnected."""
        self._monitor = self.socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED)

    def _wait_event(self, event, seconds):
        while self._monitor.poll(seconds * 1000):
            if recv_monitor_message(self._monitor)["event"] == event:
                return
        raise AssertionError(f"no event {event} within {seconds:.1f} s")

    def wait_disconnected(self, seconds=DEADLINE):
        self._wait_event(zmq.EVENT_DISCONNECTED, seconds)

    def wait_connected(self, seconds=DEADLINE):
        self._wait_event(zmq.EVENT_HANDSHAKE_SUCCEEDED, seconds)

    def close(self):
        if self._monitor and not self.socket.closed:
            self.socket.disable_monitor()
            self._monitor.close(0)
        self.socket.close(0)


class Req(Client):
    """A plain REQ socket, one request at a time."""

    def __init__(self, context, endpoint):
        super().__init__(context, endpoint, zmq.REQ)

    def send(self, body):
        self.socket.send(encode(body))

    def reply(self, seconds=DEADLINE):
        frames = self.frames(seconds)
        assert len(frames) == 1, f"a reply of {len(frames)} body frames"
        return strict_json(frames[0])

    def ask(self, body, seconds=DEADLINE):
        self.send(body)
        return self.reply(seconds)


class CorrelatedReq(Req):
    """REQ that may send again before the reply has come, and tells old replies from new ones."""

    def _prepare(self):
        self.socket.setsockopt(zmq.REQ_CORRELATE, 1)
        self.socket.setsockopt(zmq.REQ_RELAXED, 1)


class Dealer(Client):
    """DEALER with the REQ envelope; a frame of its own before the delimiter tells replies apart."""

    PROBE = {"value": 1, "id": ""}  # no sink is asked for this one

    def __init__(self, context, endpoint):
        self._tags = (b"tag-%d" % number for number in itertools.count(1))
        self._arrived = []
        super().__init__(context, endpoint, zmq.DEALER)

    def _prepare(self):
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.setsockopt(zmq.RCVHWM, 0)

    def send(self, body):
        """Sends one request; the tag it returns is what reply() wants."""
        tag = next(self._tags)
        self.socket.send_multipart([tag, b"", encode(body)])
        return tag

    def send_frames(self, frames):
        self.socket.send_multipart(frames)

    def send_all(self, bodies):
        return [self.send(body) for body in bodies]

    def reply(self, tag, seconds=DEADLINE):
        """The reply to that request; those to other requests are kept for later."""
        for number, (kept, reply) in enumerate(self._arrived):
            if kept == tag:
                del self._arrived[number]
                return reply
        while True:
            arrived, reply = self._receive(seconds)
            if arrived == tag:
                return reply
            self._arrived.append((arrived, reply))

    def _receive(self, seconds):
        frames = self.frames(seconds)
        assert len(frames) == 3 and frames[1] == b"", f"a reply with the frames {frames}"
        return frames[0], strict_json(frames[2])

    def replies(self, tags, seconds=DEADLINE):
        return [self.reply(tag, seconds) for tag in tags]

    def ask(self, body, seconds=DEADLINE):
        return self.reply(self.send(body), seconds)

    def sync(self):
        """Returns when all that was sent so far has been received: a refusal comes at once."""
        reply = self.ask(self.PROBE)
        assert reply.get("code") == "bad_request", f"{reply} to {self.PROBE}"

    def answered(self):
        """The tags that have been answered by now, and not been fetched; exact after sync()."""
        self._take_all()
        return [tag for tag, _ in self._arrived]

    def arrivals(self, count, seconds=DEADLINE):
        """The next `count` replies in the order they come in, each (tag, reply)."""
        return [self._receive(seconds) for _ in range(count)]

    def arrived_replies(self):
        """The replies that have come by now, and not been fetched."""
        self._take_all()
        return [reply for _, reply in self._arrived]

    def _take_all(self):
        while self.socket.poll(0):
            self._arrived.append(self._receive(0))
