"""A client that speaks TCP and no more of ZMTP than it is told to: what strangers send to a port."""

import socket
import struct

from support.settings import DEADLINE

# RFC 23, "greeting": signature, version 3.0, mechanism NULL, no server, filler.
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_READY = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
READY = bytes([4, len(_READY)]) + _READY
MESSAGE = b"\x01\x00" + b"\x00\x0b" + b'{"value":1}'
PING = b"\x04\x07" + b"\x04PING" + bytes(2)  # RFC 37: a time to live of 0, no context


def address_of(endpoint):
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


class RawClient:

    def __init__(self, endpoint):
        self._socket = socket.create_connection(address_of(endpoint), timeout=DEADLINE)

    def close(self):
        self._socket.close()

    def cut(self):
        """As a program that is killed does: what it has not read yet is thrown away, too."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def send(self, data):
        """Whether the other side still takes it."""
        try:
            self._socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def wait_cut(self):
        """Reads until the other side ends the connection, which it must do before a deadline."""
        try:
            while self._socket.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def greet(self):
        """The handshake of a DEALER, whole: what comes before the other side is ready ends it."""
        self.send(GREETING)
        self._receive(len(GREETING))
        self.send(READY)
        self._receive(self._receive(2)[1])

    def _receive(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            assert more, "cut off in the handshake"
            data += more
        return data
