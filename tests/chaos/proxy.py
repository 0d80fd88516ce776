"""A small TCP proxy on loopback between the producers and the consumer, that can do to their
connections what networks do: cut them, slow them down, or swallow what goes one way.
"""

import asyncio
import contextlib
import threading

CHUNK = 65536


class Proxy:
    """Relays connections to 127.0.0.1:`target` from `self.port`, in a thread of its own. Its methods
    are for any other thread."""

    def __init__(self, target):
        self._target = target
        self._pairs = set()  # writers of both sides, by connection
        self._delay = 0.0
        self._swallows = None  # "requests" or "replies"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self, share, random):
        """Resets about that share of the connections, one at least; returns how many."""
        return self._call(self._cut(share, random))

    def delay(self, seconds):
        """From now on each piece of data waits so long on its way. 0: none does."""
        self._delay = seconds

    def swallow(self, which):
        """"requests" or "replies" vanish from now on; None: what has missed something is cut."""
        self._swallows = which
        if which is None:
            self._call(self._cut(1.0, None))

    def close(self):
        self._call(self._cut(1.0, None))
        self._server.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _cut(self, share, random):
        pairs = sorted(self._pairs, key=id)
        chosen = [pair for pair in pairs if random is None or random.random() < share]
        for pair in chosen or pairs[:1]:
            for writer in pair:
                writer.transport.abort()
        return len(chosen or pairs[:1])

    async def _accept(self, client_reader, client_writer):
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the consumer is down
            client_writer.transport.abort()
            return
        pair = (client_writer, server_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._relay(client_reader, server_writer, "requests"),
                                 self._relay(server_reader, client_writer, "replies"))
        finally:
            self._pairs.discard(pair)
            for writer in pair:
                writer.transport.abort()

    async def _relay(self, reader, writer, which):
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                if self._swallows != which:
                    writer.write(data)
                    await writer.drain()
        writer.transport.abort()  # ends the other direction, too
