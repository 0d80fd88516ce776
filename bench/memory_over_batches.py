#!/usr/bin/python3
"""Does the consumer's memory stay flat? Drives one through many batches and watches its resident set.

One DEALER keeps a window of messages in flight, each with an id of its own, so that the table of
remembered ids turns over all the time; a batch closes at --items messages. Prints a Markdown table
and a verdict: the growth from the point where --dedup-window ids are remembered and the program has
warmed up, to the end. Exit status 1 when it grew by more than --bound.

With more in flight (--in-flight 1000) the resident set shows how many messages happened to wait at
once at worst, in whole pages that an allocator keeps: it wanders up to a plateau and says nothing.

Needs Debian's python3-zmq (run it with /usr/bin/python3) and the programs in build/bin.
"""

import argparse
import pathlib
import sys
import time

import zmq

from measured_consumer import PROGRAMS, MeasuredConsumer

# What an allocator may move by without any leak: glibc grows and trims each arena by 128 KiB at a
# time, and the consumer has four threads. A leak of the smallest thing that malloc gives (32 bytes)
# once a batch is 2,900 KiB in 93,000 batches: far above it.
BOUND_KIB = 4 * 128
SMALLEST_ALLOCATION = 32
SAMPLES = 20


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=100_000, metavar="N")
    parser.add_argument("--items", type=int, default=10, metavar="N", help="messages in a batch")
    parser.add_argument("--dedup-window", type=int, default=10_000, metavar="N")
    parser.add_argument("--in-flight", type=int, default=100, metavar="N",
                        help="messages sent and not answered yet")
    parser.add_argument("--bound", type=int, default=BOUND_KIB, metavar="KIB")
    parser.add_argument("--programs", type=pathlib.Path, default=PROGRAMS, metavar="DIR")
    chosen = parser.parse_args()
    if chosen.in_flight % chosen.items:
        parser.error("--in-flight must be a multiple of --items, or the last batch never closes")
    return chosen


class Load:
    """Pushes messages with new ids and takes the replies."""

    def __init__(self, endpoint, in_flight):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.set_hwm(0)
        self.socket.rcvtimeo = 10_000
        self.socket.linger = 0
        self.socket.connect(endpoint)
        self.in_flight = in_flight
        self.sent = 0
        self.answered = 0

    def push_until(self, messages):
        """Until so many are answered in all."""
        while self.answered < messages:
            while self.sent < messages and self.sent - self.answered < self.in_flight:
                self.sent += 1
                body = b'{"value":1,"producer":"bench","id":"bench:%d"}' % self.sent
                self.socket.send_multipart([b"", body], copy=True)
            delimiter, reply = self.socket.recv_multipart()
            if delimiter or not reply.startswith(b'{"status":"ok"'):
                raise SystemExit(f"unexpected reply: {reply!r}")
            self.answered += 1


def measure(chosen, consumer):
    """Prints a row per sample; returns (batches, KiB) of each."""
    load = Load(consumer.endpoint, chosen.in_flight)
    step = max(1, chosen.batches // SAMPLES)
    points = sorted({1, warm_at(chosen), *range(step, chosen.batches + 1, step), chosen.batches})
    print("| batches | messages | seconds | resident KiB |\n|---:|---:|---:|---:|")
    start = time.monotonic()
    samples = []
    for batches in points:
        load.push_until(batches * chosen.items)
        kib = consumer.resident_kib()
        samples.append((batches, kib))
        print(f"| {batches:,} | {batches * chosen.items:,} | {time.monotonic() - start:.1f} "
              f"| {kib:,} |", flush=True)
    return samples


def warm_at(chosen):
    """The window has turned over once after it was full, and a twentieth of the run has passed."""
    return 2 * chosen.dedup_window // chosen.items + chosen.batches // 20


def main():
    chosen = options()
    if warm_at(chosen) >= chosen.batches:
        sys.exit(f"--batches must be over {warm_at(chosen):,} here: before it the window fills")
    with MeasuredConsumer("--interval", "24h", "--max-items", str(chosen.items), "--dedup-window",
                          str(chosen.dedup_window), programs=chosen.programs) as consumer:
        samples = dict(measure(chosen, consumer))
        peak = consumer.peak_kib()
        summary = consumer.stop()
    first = warm_at(chosen)
    growth = samples[chosen.batches] - samples[first]
    leak = SMALLEST_ALLOCATION * (chosen.batches - first) // 1024
    print(f"\n{summary}\n\nFrom batch {first:,} to {chosen.batches:,}: {growth:+,} KiB, bound "
          f"{chosen.bound:,} KiB (one lost allocation a batch: at least {leak:,} KiB); peak "
          f"{peak:,} KiB. " + ("Flat." if growth <= chosen.bound else "It grows."))
    if leak <= chosen.bound:
        print("Too few batches to see a leak of one allocation a batch.")
    return 0 if growth <= chosen.bound else 1


if __name__ == "__main__":
    sys.exit(main())
