"""A process under measurement: what the kernel knows of its memory, descriptors and time."""

import os
import pathlib
import re
import time


class MeasuredProcess:
    """Asks /proc about `self.process`, which the class that inherits this has started."""

    process = None

    def resident_kib(self):
        """Counted page by page by the kernel; VmRSS in status may be off by some hundred KiB."""
        return self._number("smaps_rollup", "Rss:")

    def peak_kib(self):
        return self._number("status", "VmHWM:")

    def cpu_seconds(self):
        """Of all its threads since the start, in the nanoseconds that the scheduler counts."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def context_switches(self):
        """Of all its threads since the start: how often one was woken, about."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        texts = [(task / "status").read_text() for task in tasks]
        return sum(int(count) for text in texts
                   for count in re.findall(r"voluntary_ctxt_switches:\s+(\d+)", text))

    def descriptors(self):
        """How many files and sockets it has open; one for each connection."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def _number(self, file, name):
        text = pathlib.Path(f"/proc/{self.process.pid}/{file}").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name))


def wait_until(condition, seconds, what):
    """Asks a hundred times a second until `condition()` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"gave up after {seconds} s: {what}")
        time.sleep(0.01)
