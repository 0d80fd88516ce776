"""A client that pushes as fast as it can and reads nothing, in a process of its own.

It prints a line when all has been handed to ZeroMQ, and then stays connected until its stdin ends.
"""

import pathlib
import sys

import zmq

from support.child import Child


def flood(endpoint, count, size):
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.sndhwm = 0
        socket.connect(endpoint)
        body = b'{"value":1}'.ljust(size)
        for _ in range(count):
            socket.send(b"", zmq.SNDMORE)
            socket.send(body)
        print("sent", flush=True)
        sys.stdin.read()


class Flood(Child):
    """That process, which the clean-up kills."""

    expected = (0, -15)

    def __init__(self, endpoint, count, size=11):
        here = pathlib.Path(__file__)
        super().__init__([sys.executable, "-c", "from support import flood\n"
                          f"flood.flood({endpoint!r}, {count}, {size})"],
                         env={"PYTHONPATH": str(here.parents[1])}, stdin=-1)

    def wait_sent(self, seconds):
        self.stdout.wait_for_count(1, seconds)
