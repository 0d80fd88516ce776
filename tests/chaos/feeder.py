"""One producer process with its messages: feeds it lines, notes what it saw acknowledged, and starts
it again, with what it did not, when it was killed. Nothing of that dies with the process.
"""

import contextlib
import json
import signal
import subprocess
import threading

from support.child import program, spawn
from support.settings import child_environment


class Feeder:
    """`name` pushes messages of its own, `window` of them in flight, at most `rate` a second, until
    stop_feeding()."""

    def __init__(self, name, port, window, rate, errors):
        self.name = name
        self.acknowledged = set()
        self.problems = []  # replies that should not be, as they were printed
        self._argv = [program("blocky-producer"), "--connect", f"tcp://127.0.0.1:{port}", "--name",
                      name, "--input", "-", "--id-field", "/id", "--timeout", "2s", "--rate",
                      str(rate), "--log", "json", "--progress", "never"]
        if window > 1:
            self._argv += ["--in-flight", str(window), "--bundle", "8"]
        self._window = window
        self._errors = errors  # a file for all that it says on stderr
        self._lock = threading.Lock()
        self._sent = 0  # messages so far
        self._open = {}  # id -> line, of what is not acknowledged yet, in order
        self._feeding = True
        self._start()

    def _start(self):
        self.process = spawn(self._argv, env=child_environment(), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=self._errors)
        with self._lock:
            unacknowledged = list(self._open.values())
        self._write(unacknowledged)
        self._reader = threading.Thread(target=self._follow, args=(self.process.stdout,))
        self._reader.start()
        self._top_up()

    def restart(self, number):
        """Ends the process by this signal, and starts another one with the same messages."""
        self._end(number)
        self._start()

    def end(self):
        """Ends the process in order, once everything is acknowledged; its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number):
        self.process.send_signal(number)
        code = self.process.wait()
        self._reader.join()  # what it had printed counts
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        return code

    def stop_feeding(self):
        with self._lock:
            self._feeding = False

    def unacknowledged(self):
        with self._lock:
            return len(self._open)

    def wanted(self):
        """id -> JSON text of its value, of all messages so far."""
        return {self._id(n): self._line(n) for n in range(1, self._sent + 1)}

    def _id(self, number):
        return f"{self.name}-{number}"

    def _line(self, number):
        return json.dumps({"id": self._id(number), "n": number}, separators=(",", ":"))

    def _top_up(self):
        """Keeps as many lines on their way as the producer may have in flight."""
        lines = []
        with self._lock:
            while self._feeding and len(self._open) < self._window:
                self._sent += 1
                self._open[self._id(self._sent)] = self._line(self._sent)
                lines.append(self._line(self._sent))
        self._write(lines)

    def _write(self, lines):
        with contextlib.suppress(BrokenPipeError):  # killed meanwhile: the next one gets them
            self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
            self.process.stdin.flush()

    def _follow(self, stdout):
        for raw in stdout:
            if raw.endswith(b"\n"):  # else it was killed while it printed
                self._note(raw.decode())
                self._top_up()

    def _note(self, line):
        reply = json.loads(line)
        name = reply.get("id")
        with self._lock:
            if reply["status"] == "ok" and (name in self._open or name in self.acknowledged):
                self.acknowledged.add(name)
                self._open.pop(name, None)
            elif not reply.get("retry"):
                self.problems.append(line)
