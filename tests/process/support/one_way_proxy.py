"""A TCP relay in front of a server that can swallow all that the server answers: what a client
sends still arrives, but the client never learns of it.
"""

import contextlib
import socket
import threading


class OneWayProxy:
    """Relays connections to 127.0.0.1:`port` from `self.port` until close()."""

    def __init__(self, port):
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._deaf = threading.Event()
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow_answers(self):
        self._deaf.set()

    def let_through(self):
        """For new connections; those that missed something are cut."""
        self._deaf.clear()
        self._cut()

    def close(self):
        self._listener.close()
        self._cut()

    def _cut(self):
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets += [client, server]
                for source, sink, is_answer in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._relay, args=(source, sink, is_answer),
                                     daemon=True).start()

    def _relay(self, source, sink, is_answer):
        with contextlib.suppress(OSError), source, sink:
            while data := source.recv(65536):
                if not (is_answer and self._deaf.is_set()):
                    sink.sendall(data)
