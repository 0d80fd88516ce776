"""Runs one contender: starts its consumer and its producers, and measures a window of time.

Messages are counted at the consumer, between the first and the last batch that it closed within
the window: the bare one publishes (messages, time) in a file that is mapped here, Blocky's batch
log has `size` and `ts`. Neither costs the measured program anything that it would not do anyway.
"""

import datetime
import json
import mmap
import os
import pathlib
import re
import signal
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass

from measured_process import MeasuredProcess, wait_until

PATIENCE = 60  # seconds for anything that must happen
MEMORY = pathlib.Path("/dev/shm")  # so that no disk takes part
FAILURES = re.compile(r"\d+ (bad_request|too_large|busy|expired|rejected|sink_failed)\b")


@dataclass
class Sample:
    """What one window of one contender gave."""

    rate: float            # messages a second
    cpu_us: float          # of the consumer's processor time, per message
    round_trips_ms: list   # of the probe


class Children:
    """Processes that die with this one, and at the latest when the `with` block ends."""

    def __init__(self, programs):
        self.programs = programs
        base = MEMORY if os.access(MEMORY, os.W_OK) else None
        self._directory = tempfile.TemporaryDirectory(prefix="blocky-bench-", dir=base)
        self.directory = pathlib.Path(self._directory.name)
        self.errors = (self.directory / "stderr").open("a+b")
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill(self.processes)
        self.errors.close()
        self._directory.cleanup()

    def start(self, program, *options, prefix=(), **streams):
        """By setpriv, which has the kernel kill it when we are gone."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("BLOCKY_")}
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *prefix, str(self.programs / program), *options],
            env=clean, stderr=self.errors, **{"stdin": subprocess.DEVNULL,
                                              "stdout": subprocess.DEVNULL, **streams})
        self.processes.append(process)
        return process

    @staticmethod
    def kill(processes):
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()

    def said(self):
        return (self.directory / "stderr").read_text(errors="replace")

    def fail(self, what):
        raise SystemExit(f"{what}; the programs said:\n{self.said()[-2000:]}")


class Consumer(MeasuredProcess):
    """What is common to both: bound to an ipc endpoint, perhaps to some processors."""

    def __init__(self, children, argv, prefix=(), **streams):
        self.children = children
        self.endpoint = f"ipc://{children.directory}/socket"
        self.process = children.start(argv[0], "--bind", self.endpoint, *argv[1:], prefix=prefix,
                                      **streams)
        wait_until(self._listens, PATIENCE, f"{argv[0]} does not listen")
        self._descriptors = self.descriptors()

    def _listens(self):
        if self.process.poll() is not None:
            self.children.fail(f"the consumer ended at once, with {self.process.returncode}")
        return "listening on" in self.children.said()

    def wait_connections(self, count):
        wait_until(lambda: self.descriptors() >= self._descriptors + count, PATIENCE,
                   f"{count} producers do not connect")


class BareConsumer(Consumer):
    """Its counter is a page that it shares with us."""

    LAYOUT = struct.Struct("=QQq")  # version, messages, nanoseconds

    def __init__(self, children, options, cpus=None):
        path = children.directory / "counter"
        super().__init__(children, ("bare_consumer", "--counter", str(path), *options),
                         ("taskset", "-c", cpus) if cpus else ())
        with path.open("rb") as file:
            self._counter = mmap.mmap(file.fileno(), self.LAYOUT.size, access=mmap.ACCESS_READ)

    def mark(self):
        while True:
            before, messages, at_ns = self.LAYOUT.unpack(self._counter[:])
            if before % 2 == 0 and self.LAYOUT.unpack(self._counter[:])[0] == before:
                return messages, at_ns

    def processed(self, start, end):
        """Messages and seconds between two marks."""
        return end[0] - start[0], (end[1] - start[1]) / 1e9

    def stop(self):
        Children.kill([self.process])


class BlockyConsumer(Consumer):
    """Its counter is its batch log."""

    def __init__(self, children, options, cpus=None):
        self._log = children.directory / "batches"
        with self._log.open("wb") as log:
            super().__init__(children, ("blocky-consumer", "--log", "json", *options,
                                        *(("--cpus", cpus) if cpus else ())), stdout=log)

    def mark(self):
        return time.time()

    def processed(self, start, end):
        """From the close of the first batch after `start` to that of the last one before `end`."""
        with self._log.open(encoding="utf-8") as log:
            batches = [json.loads(line) for line in log if line.endswith("\n")]
        times = [datetime.datetime.fromisoformat(batch["ts"]).timestamp() for batch in batches]
        inside = [i for i, at in enumerate(times) if start <= at <= end]
        if not inside:
            return 0, 0.0
        messages = sum(batches[i]["size"] for i in inside[1:])
        return messages, times[inside[-1]] - times[inside[0]]

    def stop(self):
        """In good order; a run in which messages were refused or failed measures nothing."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        if code != 0 or FAILURES.search(self.children.said()):
            self.children.fail(f"the consumer ended with {code}, or refused messages")


def start_consumer(children, kind, options, cpus=None):
    return (BareConsumer if kind == "bare" else BlockyConsumer)(children, options, cpus)


def start_producers(children, load, contender, endpoint):
    """All of the load's producers; the last one is the probe, if there is one. It is returned."""
    probed = load.extra_probe or contender.producer == "bare" or load.producers > 1
    plain = load.producers - (probed and not load.extra_probe)
    quiet = ("--log", "quiet", "--progress", "never") if contender.producer == "blocky" else ()
    program = "blocky-producer" if contender.producer == "blocky" else "bare_producer"
    for number in range(plain):
        children.start(program, "--connect", endpoint, "--name", f"p-{number}", *quiet,
                       *contender.producer_options)
    if not probed:
        return None
    return children.start("bare_producer", "--connect", endpoint, "--name", "probe", "--samples",
                          str(children.directory / "samples"))


def round_trips(children, probe, start_ns, end_ns):
    """Those of the probe that ended within the window, in ms."""
    if probe is None:
        return []
    probe.terminate()
    if probe.wait(PATIENCE) != 0:
        children.fail("the probe failed")
    lines = (children.directory / "samples").read_text().splitlines()
    samples = [tuple(map(int, line.split())) for line in lines]
    return [took / 1e6 for replied_at, took in samples if start_ns <= replied_at <= end_ns]


def run(load, contender, settings, starts=start_producers):
    """One repetition: a Sample. `starts` is what starts the producers."""
    with Children(settings.programs) as children:
        consumer = start_consumer(children, contender.consumer, contender.consumer_options,
                                  settings.cpus)
        probe = starts(children, load, contender, consumer.endpoint)
        consumer.wait_connections(load.producers + load.extra_probe)
        time.sleep(settings.warm_up)

        start, cpu, start_ns = consumer.mark(), consumer.cpu_seconds(), time.monotonic_ns()
        time.sleep(settings.seconds)
        end, cpu, end_ns = consumer.mark(), consumer.cpu_seconds() - cpu, time.monotonic_ns()

        if any(process.poll() is not None for process in children.processes):
            children.fail(f"{load.name}, {contender.name}: a program ended before its time")
        trips = round_trips(children, probe, start_ns, end_ns)
        children.kill([p for p in children.processes if p is not consumer.process])
        consumer.stop()
        messages, seconds = consumer.processed(start, end)
    if messages == 0:
        raise SystemExit(f"{load.name}, {contender.name}: no two batches in {settings.seconds} s")
    rate = messages / seconds
    return Sample(rate, cpu / ((end_ns - start_ns) / 1e9) / rate * 1e6, trips)
