"""The service manager's end of the notify protocol, sd_notify(3): a datagram socket that the program
under test reports to.
"""

import os
import socket
import struct
import time

from support.settings import DEADLINE

CREDENTIALS = struct.Struct("3i")  # ucred: process, user, group


class NotifySocket:
    """Bound to a path, or to an abstract name if `address` begins with @."""

    def __init__(self, address):
        self.address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(self.address.replace("@", "\0", 1))
        self.seen = []  # pairs (when it was read, its assignments as a dict)
        self.senders = set()  # process ids, as the kernel tells

    @property
    def environment(self):
        return {"NOTIFY_SOCKET": self.address}

    def receive(self, seconds):
        """The next datagram's assignments, or None if none comes in so many seconds."""
        self._socket.settimeout(max(seconds, 0.001))
        try:
            data, ancillary, _, _ = self._socket.recvmsg(65536, socket.CMSG_SPACE(CREDENTIALS.size))
        except TimeoutError:
            return None
        for _, kind, value in ancillary:
            if kind == socket.SCM_CREDENTIALS:
                self.senders.add(CREDENTIALS.unpack(value)[0])
        assert data.endswith(b"\n"), data
        lines = data.decode("utf-8", "strict").splitlines()
        message = dict(line.split("=", 1) for line in lines)
        assert len(message) == len(lines), f"a variable is given twice: {data!r}"
        self.seen.append((time.monotonic(), message))
        return message

    def wait_for(self, predicate, seconds=DEADLINE, what="the expected message"):
        """The first message from now on for which predicate(message) holds."""
        end = time.monotonic() + seconds
        while True:
            message = self.receive(end - time.monotonic())
            if message is None:
                raise AssertionError(f"{seconds:.1f} s passed without {what}; "
                                     f"the last ones: {self.seen[-5:]}")
            if predicate(message):
                return message

    def wait_for_status(self, part, seconds=DEADLINE):
        """The first status from now on that has `part` in it."""
        message = self.wait_for(lambda m: part in m.get("STATUS", ""), seconds, repr(part))
        return message["STATUS"]

    def read_all(self):
        """Everything that has come so far and not been read, all messages ever seen."""
        while self.receive(0) is not None:
            pass
        return [message for _, message in self.seen]

    def close(self):
        """May be called again."""
        if self._socket.fileno() >= 0 and not self.address.startswith("@"):
            os.unlink(self.address)
        self._socket.close()
