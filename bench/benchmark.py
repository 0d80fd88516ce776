#!/usr/bin/python3
"""Measures Blocky's programs against a bare libzmq pair that does the same, interleaved in one run.

What the loads are is in loads.py, how one is run in contest.py. scripts/bench.sh builds the
programs and starts this. Tables go to stdout as Markdown, progress to stderr; --write also puts
them into docs/performance.md, with plots beside it.
"""

import argparse
import datetime
import os
import pathlib
import re
import resource
import sys
import time

import contest
import held
import plot
import report
import targets
import ticks
from loads import loads_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "performance.md"
CONTESTS = ("H", "I", "P", "size", "batch")
SECTIONS = (*CONTESTS, "held", "ticks")
MOST_NOISE_PERCENT = 5
PLOTTED = {"size": "bytes in a message", "batch": "messages in a batch"}


def section_list(text):
    chosen = text.split(",")
    wrong = [name for name in chosen if name not in SECTIONS]
    if wrong:
        raise argparse.ArgumentTypeError(f"got {wrong[0]!r}, accepts {','.join(SECTIONS)}")
    return chosen


def above_zero(kind):
    def parse(text):
        value = kind(text)
        if value <= 0:
            raise ValueError
        return value
    parse.__name__ = f"{kind.__name__} over 0"
    return parse


def parse_options():
    parser = argparse.ArgumentParser(
        prog="scripts/bench.sh", description=__doc__.splitlines()[0],
        epilog="Loads: H hold (barrier), I immediate, P pipelined, size and batch (the cost as "
               "messages and batches grow), held (10,000 producers), ticks (timer lateness). "
               "Ratios within one run count; less than 10 % is no difference.")
    parser.add_argument("--quick", action="store_true",
                        help="a short run: two repetitions of 0.5 s, at most 100 producers")
    parser.add_argument("--loads", type=section_list, default=list(SECTIONS), metavar="LIST",
                        help=f"only these, of {','.join(SECTIONS)} (default: all)")
    parser.add_argument("--producers", type=above_zero(int), metavar="N",
                        help="no load with more producers than N")
    parser.add_argument("--seconds", type=above_zero(float), metavar="S",
                        help="length of a measured window (default: 2.5)")
    parser.add_argument("--repeat", type=above_zero(int), metavar="N",
                        help="repetitions of each window (default: 5)")
    parser.add_argument("--held", type=above_zero(int), metavar="N",
                        help="producers of the load `held` (default: 10000)")
    parser.add_argument("--ticks", type=above_zero(int), metavar="N",
                        help="ticks of the load `ticks` (default: 1000)")
    parser.add_argument("--cpus", metavar="LIST",
                        help="both consumers run on these processors only, as in 0 or 0,1")
    parser.add_argument("--bare-only", action="store_true", help="leave Blocky out")
    parser.add_argument("--write", action="store_true",
                        help="put the tables of these loads, and plots, into docs/")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build" / "bin",
                        metavar="DIR", help="where the programs are (default: build/bin)")
    parser.add_argument("--parse-only", action="store_true", help=argparse.SUPPRESS)
    return with_defaults(parser, parser.parse_args())


def with_defaults(parser, chosen):
    long, quick = ((2.5, 5, 1000, 10_000, 1000), (0.5, 2, 100, 1000, 200))
    names = ("seconds", "repeat", "producers", "held", "ticks")
    for name, value in zip(names, quick if chosen.quick else long):
        if getattr(chosen, name) is None:
            setattr(chosen, name, value)
    if chosen.write and chosen.bare_only:
        parser.error("--write: a run with --bare-only has nothing to write")
    chosen.warm_up = min(0.5, chosen.seconds)
    return chosen


class Progress:
    """One line that is drawn over on a terminal; else a line each time the subject changes."""

    def __init__(self, total):
        self.total, self.done, self.start, self.last = total, 0, time.monotonic(), ""

    def step(self, subject, detail):
        line = f"[{self.done + 1}/{self.total}] {subject}: {detail}"
        if self.done:
            each = (time.monotonic() - self.start) / self.done
            line += f", about {each * (self.total - self.done) / 60:.0f} min left"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif subject != self.last:
            print(line, file=sys.stderr, flush=True)
        self.last = subject
        self.done += 1

    def clear(self):
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class Benchmark:
    """One run of the driver: which sections, how often, and what came out."""

    def __init__(self, settings):
        self.settings = settings
        self.kinds = ("bare",) if settings.bare_only else ("bare", "blocky")
        self.loads = {name: [self._fitting(load) for load in loads_of(name, settings.producers)]
                      for name in settings.loads if name in CONTESTS}
        self.tables = {}
        self.contests = {}
        self.aims = []
        self.failed = False
        self.others = OtherProcesses()
        self.progress = Progress(self._steps())

    def _fitting(self, load):
        """Without the contenders that this run leaves out."""
        kept = tuple(c for c in load.contenders if c.consumer in self.kinds)
        return type(load)(load.name, load.producers, load.extra_probe, kept, load.x)

    def _steps(self):
        contests = sum(len(load.contenders) for loads in self.loads.values() for load in loads)
        special = sum(len(self.kinds) for name in ("held", "ticks") if name in self.settings.loads)
        return (contests + special) * self.settings.repeat

    def run(self):
        """Section by section; one that fails does not take the others along."""
        for section in self.settings.loads:
            try:
                self._measure(section)
            except SystemExit as failure:
                self.progress.clear()
                self.failed = True
                print(f"{section}: {failure}", file=sys.stderr, flush=True)
                continue
            self._show(section)
        if self.aims:
            self.tables["aims"] = targets.table(self.aims)
            self._show("aims")

    def _measure(self, section):
        if section in CONTESTS:
            self._contest(section)
        elif section == "held":
            self._compare(section, held, self.settings.held)
        else:
            self._compare(section, ticks, self.settings.ticks)

    def _show(self, section):
        self.progress.clear()
        print(f"## {section}\n\n{self.tables[section]}", flush=True)

    def _contest(self, section):
        results = [(load, self._samples(load)) for load in self.loads[section]]
        self.tables[section] = report.contest_table(results)
        self.contests[section] = results
        self.aims += targets.contest_rows(results)

    def _samples(self, load):
        """Of each contender its repetitions; every second round goes backwards, against drift."""
        of_each = [[] for _ in load.contenders]
        for repetition in range(self.settings.repeat):
            order = list(range(len(load.contenders)))
            for i in order if repetition % 2 == 0 else reversed(order):
                contender = load.contenders[i]
                self.progress.step(load.name, contender.name)
                of_each[i].append(contest.run(load, contender, self.settings))
        return of_each

    def _compare(self, section, measurement, size):
        """The bare consumer and Blocky's by turns."""
        of_each = {kind: [] for kind in self.kinds}
        for _ in range(self.settings.repeat):
            for kind in self.kinds:
                self.progress.step(f"{section} {size:,}", kind)
                of_each[kind].append(measurement.run(kind, size, self.settings))
        self.tables[section] = getattr(report, f"{section}_table")(size, of_each)
        if "blocky" in of_each:
            self.aims += getattr(targets, f"{section}_rows")(size, of_each)


def lines_of(results, figure, prefix, colour):
    """A line for the bare pair and one for Blocky: the contender that stands next to it."""
    def points(i):
        return [(load.x, report.median([figure(s) for s in of_each[i]]))
                for load, of_each in results]
    names = [contender.name for contender in results[0][0].contenders]
    chosen = [0, names.index("Blocky, ids") if "Blocky, ids" in names else 1]
    return [plot.Line(prefix + names[i], points(i), colour, i == 0) for i in chosen]


def panels(groups, x_label):
    """groups: pairs (prefix, results)."""
    def panel(title, y_label, figure):
        return plot.Panel(title, x_label, y_label, [
            line for colour, (prefix, results) in enumerate(groups)
            for line in lines_of(results, figure, prefix, colour)])
    return [panel("Throughput", "messages/s", lambda sample: sample.rate),
            panel("Consumer CPU", "µs a message", lambda sample: sample.cpu_us)]


def plots_of(benchmark):
    """Section -> SVG, of what this run has measured."""
    found = {}
    for section, x_label in PLOTTED.items():
        if section in benchmark.contests:
            found[section] = panels([("", benchmark.contests[section])], x_label)
    if all(section in benchmark.contests for section in "HIP"):
        narrow = [pair for pair in benchmark.contests["P"] if pair[0].name.endswith("W=64")]
        found["producers"] = panels([("H, ", benchmark.contests["H"]),
                                     ("I, ", benchmark.contests["I"]),
                                     ("P W=64, ", narrow)], "producers")
    return {name: plot.svg(drawing) for name, drawing in found.items()}


class OtherProcesses:
    """How much of the machine they use while this runs: the noise in all the figures."""

    def __init__(self):
        self.start = time.monotonic()
        self.before = self._busy() - self._ours()

    @staticmethod
    def _busy():
        """Of all processors since the machine's start, in seconds; waiting is not work."""
        user, nice, system, _, _, *rest = map(
            int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
        return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def _ours():
        return sum(os.times()[:4])

    def percent(self):
        """Only while no child of ours runs: what it has used counts once it is reaped."""
        used = self._busy() - self._ours() - self.before
        return max(0, 100 * used / (time.monotonic() - self.start) / os.cpu_count())


def conditions(benchmark):
    """Two sentences on when and on what this was measured."""
    model = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    settings = benchmark.settings
    pinned = f", both consumers on CPU {settings.cpus}" if settings.cpus else ""
    return (f"Measured on {datetime.date.today()}: {os.cpu_count()} × "
            f"{model.group(1) if model else 'an unknown CPU'}, {settings.repeat} repetitions of "
            f"{settings.seconds:g} s{pinned}. Other processes used "
            f"{benchmark.others.percent():.0f} % of the machine meanwhile.")


def write(benchmark):
    text = DOCUMENT.read_text(encoding="utf-8")
    note = conditions(benchmark)
    for section, table in benchmark.tables.items():
        text = report.place(text, section, f"{note}\n\n{table}")
    for section, drawing in plots_of(benchmark).items():
        name = f"performance-{section}.svg"
        (DOCUMENT.parent / name).write_text(drawing, encoding="utf-8")
        text = report.place(text, f"plot-{section}", f"![{section}]({name})")
    DOCUMENT.write_text(text, encoding="utf-8")


def main():
    settings = parse_options()
    if settings.parse_only:
        return 0
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    benchmark = Benchmark(settings)
    benchmark.run()
    print(conditions(benchmark))
    if benchmark.others.percent() > MOST_NOISE_PERCENT:
        print("bench.sh: the machine was busy with other things: even ratios are rough",
              file=sys.stderr)
    if settings.write:
        write(benchmark)
    return 1 if benchmark.failed else 0


if __name__ == "__main__":
    sys.exit(main())
