"""A blocky-consumer under measurement: started, asked for its memory and processor time, stopped."""

import pathlib
import re
import signal
import subprocess

from measured_process import MeasuredProcess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build" / "bin"
LISTENING = re.compile(r"listening on (\S+)$")


class MeasuredConsumer(MeasuredProcess):
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
