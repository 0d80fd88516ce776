"""Collects the lines of a pipe in a thread of its own, so that tests can wait for one with a
deadline.
"""

import threading
import time

from support.settings import DEADLINE


class Lines:
    """All lines of `stream` so far, each with the monotonic time of its arrival."""

    def __init__(self, stream, name):
        self._stream = stream
        self._name = name
        self._lines = []
        self._times = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for raw in iter(self._stream.readline, b""):
            with self._changed:
                self._lines.append(raw.decode("utf-8", "backslashreplace").rstrip("\n"))
                self._times.append(time.monotonic())
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def all(self):
        with self._changed:
            return list(self._lines)

    def timed(self):
        """Pairs (arrival, line)."""
        with self._changed:
            return list(zip(self._times, self._lines))

    def wait_until(self, condition, seconds=DEADLINE, what="a condition"):
        """Waits until condition(lines) gives something true, and returns that."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                found = condition(self._lines)
                if found:
                    return found
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    break
                self._changed.wait(left)
            tail = "\n  ".join(self._lines[-5:])
            why = "the pipe ended" if self._ended else f"{seconds:.1f} s passed"
        raise AssertionError(f"{self._name}: {why} without {what}; last lines:\n  {tail}")

    def wait_for_line(self, predicate, seconds=DEADLINE, start=0, what="the expected line"):
        """The first line from number `start` on for which predicate(line) holds."""

        def first(lines):
            return next(((line,) for line in lines[start:] if predicate(line)), None)

        return self.wait_until(first, seconds, what)[0]

    def wait_for_count(self, count, seconds=DEADLINE):
        return self.wait_until(lambda l: len(l) >= count and list(l), seconds, f"{count} lines")

    def wait_for_end(self, seconds=DEADLINE):
        """All lines, once the other side has closed the pipe."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise AssertionError(f"{self._name}: still open after {seconds:.1f} s")
        return self.all()

    def close(self):
        self._thread.join(DEADLINE)
        if not self._thread.is_alive():
            self._stream.close()
