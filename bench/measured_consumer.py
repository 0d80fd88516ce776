"""A blocky-consumer under measurement: started, asked for its memory and processor time, stopped."""

import pathlib
import re
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build" / "bin"
LISTENING = re.compile(r"listening on (\S+)$")


class MeasuredConsumer:
    """Runs until the `with` block ends; only ever signals the process it has started itself."""

    def __init__(self, *options, programs=PROGRAMS):
        self.process = subprocess.Popen(
            [str(programs / "blocky-consumer"), "--bind", "tcp://127.0.0.1:*", *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.endpoint = self._endpoint()

    def _endpoint(self):
        for line in self.process.stderr:
            found = LISTENING.search(line)
            if found:
                return found.group(1)
        raise SystemExit(f"blocky-consumer ended at once, with status {self.process.wait()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Drains, and returns what the program says at its end; a second call does nothing."""
        if self.process.poll() is not None:
            return ""
        self.process.send_signal(signal.SIGTERM)
        try:
            _, rest = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        if self.process.returncode != 0:
            raise SystemExit(f"blocky-consumer ended with {self.process.returncode}: {rest}")
        return rest.strip()

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
