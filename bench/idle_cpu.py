#!/usr/bin/python3
"""What does a consumer cost that does next to nothing? Processor time with held producers.

Starts a consumer and --producers blocky-producer processes, waits until all are in one batch, and
counts the processor time of the consumer's threads over --seconds. At --interval 1s each producer
is released and pushes again once a second; at --interval 1h all of them are held the whole time.
Prints one Markdown row; exit status 1 when it is over --bound percent of one core.
"""

import argparse
import pathlib
import subprocess
import sys
import time

from measured_consumer import PROGRAMS, MeasuredConsumer
from measured_process import wait_until


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--producers", type=int, default=100, metavar="N")
    parser.add_argument("--interval", default="1s", metavar="DURATION")
    parser.add_argument("--seconds", type=float, default=10, metavar="S")
    parser.add_argument("--bound", type=float, default=1.0, metavar="PERCENT")
    parser.add_argument("--programs", type=pathlib.Path, default=PROGRAMS, metavar="DIR")
    return parser.parse_args()


def start_producers(chosen, endpoint):
    return [subprocess.Popen([str(chosen.programs / "blocky-producer"), "--connect", endpoint,
                              "--name", f"p-{number}", "--log", "quiet"])
            for number in range(chosen.producers)]


def settled(consumer):
    """A condition: for half a second the consumer has used less than 50 ms of processor time."""
    def quiet():
        before = consumer.cpu_seconds()
        time.sleep(0.5)
        return consumer.cpu_seconds() - before < 0.05
    return quiet


def main():
    chosen = options()
    with MeasuredConsumer("--interval", chosen.interval, programs=chosen.programs) as consumer:
        producers = start_producers(chosen, consumer.endpoint)
        try:
            time.sleep(2)
            wait_until(settled(consumer), 30, "the consumer does not come to rest")
            cpu, switches, start = (consumer.cpu_seconds(), consumer.context_switches(),
                                    time.monotonic())
            time.sleep(chosen.seconds)
            elapsed = time.monotonic() - start
            percent = 100 * (consumer.cpu_seconds() - cpu) / elapsed
            wake_ups = (consumer.context_switches() - switches) / elapsed
            memory = consumer.resident_kib()
        finally:
            for producer in producers:
                producer.kill()
            for producer in producers:
                producer.wait()
        summary = consumer.stop()
    print("| producers | interval | seconds | % of a core | switches/s | resident KiB |\n"
          "|---:|---:|---:|---:|---:|---:|\n"
          f"| {chosen.producers:,} | {chosen.interval} | {elapsed:.1f} | {percent:.2f} "
          f"| {wake_ups:.0f} | {memory:,} |\n\n{summary}")
    return 0 if percent <= chosen.bound else 1


if __name__ == "__main__":
    sys.exit(main())
