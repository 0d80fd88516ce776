#!/usr/bin/python3
"""What does it cost the producers that somebody looks on? Load P with --http, and without.

Runs the same load (10 producers with 1,000 messages in flight each) by turns: not observed, with
nobody at --http, and with --readers readers of /events that discard what they get while /metrics is
scraped every second. Prints a Markdown table of messages a second; exit status 1 when the observed
one is, in the median of the repetitions' ratios, more than --bound percent slower.
"""

import argparse
import dataclasses
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import types
import urllib.error
import urllib.request

import contest
import loads
from measured_consumer import PROGRAMS
from measured_process import wait_until

DASHBOARD = re.compile(r"http://([0-9.]+):(\d+)/")


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=7, metavar="N")
    parser.add_argument("--seconds", type=float, default=4, metavar="S")
    parser.add_argument("--readers", type=int, default=3, metavar="N")
    parser.add_argument("--bound", type=float, default=5, metavar="PERCENT")
    parser.add_argument("--programs", type=pathlib.Path, default=PROGRAMS, metavar="DIR")
    parser.add_argument("--observe", metavar="HOST:PORT", help=argparse.SUPPRESS)
    return parser.parse_args()


def read_events(host, port):
    """Reads for ever and discards; ends the program if there is nothing to read."""
    with socket.create_connection((host, port)) as connection:
        connection.sendall(f"GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        while connection.recv(1 << 16):
            pass


def observe(address, readers):
    """A process of its own, so that the load is not driven by the one that looks on."""
    host, port = address.rsplit(":", 1)
    for _ in range(readers):
        threading.Thread(target=read_events, args=(host, int(port)), daemon=True).start()
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
                if b"blocky_batches_total" not in answer.read():
                    raise SystemExit("/metrics has no blocky_batches_total")
        except urllib.error.URLError:
            return  # the consumer has ended, and with it the measurement
        print("scraped", flush=True)
        time.sleep(1)


def contenders(readers):
    """The same pair three times, told apart by name."""
    load = loads.pipelined(10, 1000, 100)
    plain = next(c for c in load.contenders if c.name.endswith("bare clients, no ids"))
    served = dataclasses.replace(plain, consumer_options=(*plain.consumer_options,
                                                          "--http", "127.0.0.1:0"))
    return load, [dataclasses.replace(plain, name="without --http"),
                  dataclasses.replace(served, name="with --http, nobody looks"),
                  dataclasses.replace(served, name=f"{readers} readers of /events, and a scrape "
                                                   "a second")]


class Observed:
    """Settings for contest.run() in which the observers are started with the consumer."""

    def __init__(self, chosen, observed):
        self.settings = types.SimpleNamespace(programs=chosen.programs, seconds=chosen.seconds,
                                              warm_up=1.0, cpus=None)
        self.chosen, self.observed, self.process = chosen, observed, None

    def start_producers(self, children, load, contender, endpoint):
        if self.observed:
            wait_until(lambda: DASHBOARD.search(children.said()), 10, "no address of --http")
            host, port = DASHBOARD.search(children.said()).groups()
            self.process = subprocess.Popen(
                [sys.executable, __file__, "--observe", f"{host}:{port}",
                 "--readers", str(self.chosen.readers)], stdout=subprocess.PIPE, text=True)
        return contest.start_producers(children, load, contender, endpoint)

    def run(self, load, contender):
        try:
            return contest.run(load, contender, self.settings, self.start_producers)
        finally:
            self.check_scrapes()

    def check_scrapes(self):
        if self.process is None:
            return
        self.process.kill()
        scrapes = self.process.communicate()[0].count("scraped")
        if scrapes < self.chosen.seconds:
            raise SystemExit(f"only {scrapes} scrapes: the observers ended before their time")


def main():
    chosen = options()
    if chosen.observe:
        return observe(chosen.observe, chosen.readers)
    load, who = contenders(chosen.readers)
    rates = {contender.name: [] for contender in who}
    for turn in range(chosen.repeat):
        for contender in who if turn % 2 == 0 else reversed(who):
            observed = contender is who[-1]
            rates[contender.name].append(Observed(chosen, observed).run(load, contender).rate)
    base = rates[who[0].name]
    print("| who | thousand messages/s | ÷ without |\n| --- | ---: | ---: |")
    for name, measured in rates.items():
        ratios = [rate / other for rate, other in zip(measured, base)]
        ratio = statistics.median(ratios)
        print(f"| {name} | {statistics.median(measured) / 1000:.0f} "
              f"({min(measured) / 1000:.0f}–{max(measured) / 1000:.0f}) "
              f"| {ratio:.3f} ({min(ratios):.2f}–{max(ratios):.2f}) |")
    return 0 if ratio >= 1 - chosen.bound / 100 else 1


if __name__ == "__main__":
    sys.exit(main())
