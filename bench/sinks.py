#!/usr/bin/python3
"""Measures what sinks cost beside plain programs that store the same rows, by turns in one run.

For each engine there is a plain program (bare_ENGINE) that stores the same values, with ids of the
same form, in the same table, one transaction for so many rows. Prints Markdown tables on stdout,
progress on stderr. Ratios within one run count; the machine should be quiet.
"""

import argparse
import json
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import report
from measured_consumer import LISTENING, PROGRAMS

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "process"))
from support import postgres  # noqa: E402  (after the path to it)

PATIENCE = 600  # seconds for any program to do its work
MOST_RATIO = 1.3  # what a batch of BATCH rows may cost, beside the plain program
BATCH = 1000
WARM_UP = 5  # batches at the beginning of each run that are not counted
SMALLER = (1, 10, 100)  # rows a transaction, to show what group commit gains


class Sqlite:
    """One contender's engine: where its rows go, anew for each run. Another engine has the same."""

    name = "sqlite"
    bare = "bare_sqlite"

    def __init__(self, directory):
        self.path = pathlib.Path(directory) / "messages.db"

    def clear(self):
        """Before each run: nothing is there."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def target(self):
        """What the plain program is given to find its rows' place."""
        return str(self.path)

    def spec(self):
        """The consumer's --sink."""
        return f"sqlite:{self.path}"

    def stored(self):
        """Rows, and bytes in their ids and values: both contenders must have stored the same."""
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute("SELECT count(*), sum(length(id) + length(value) + "
                                      "length(run) + length(received_at)) FROM messages").fetchone()
        finally:
            connection.close()

    def close(self):
        """After the last run: whatever was started for it ends."""
        self.clear()


class Postgres:
    """A server of its own on loopback, started as the tests do it, on the disk to measure."""

    name = "postgres"
    bare = "bare_postgres"

    def __init__(self, directory):
        # Not in it: the server is another user's, who may not enter.
        self.server = postgres.Postgres(pathlib.Path(directory).parent)
        self.server.start()

    def clear(self):
        self.server.query("SET client_min_messages = error; DROP TABLE IF EXISTS messages")

    def target(self):
        return self.server.conninfo

    def spec(self):
        return f"postgres:{self.server.conninfo}"

    def stored(self):
        return self.server.query("SELECT count(*), sum(length(id) + length(value::text) + "
                                 "length(run) + length(producer)) FROM messages")

    def close(self):
        self.server.close()


ENGINES = {engine.name: engine for engine in (Sqlite, Postgres)}


@dataclass
class Run:
    """The milliseconds of each transaction of one run, those of the warm-up left out."""

    ms: list

    @property
    def p50(self):
        return report.median(self.ms)

    @property
    def mean(self):
        return sum(self.ms) / len(self.ms)


def start(argv, **streams):
    """By setpriv, which has the kernel kill it when we are gone."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, argv)], text=True,
                            **streams)


def run_to_end(argv):
    process = start(argv, stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=PATIENCE)
    if process.returncode != 0:
        raise SystemExit(f"{argv[0]} ended with {process.returncode}")
    return output


def run_bare(engine, settings, values, rows):
    """The plain program; `values` is a file with a value a line."""
    output = run_to_end([settings.programs / engine.bare, engine.target(), values, rows])
    return [float(line) for line in output.splitlines()]


def run_blocky(engine, settings, values, rows):
    """The consumer, and one producer that has as many messages in flight as a batch takes: while
    one is processed nobody does anything else. `process_ms` is its own word for what that took."""
    consumer = start([settings.programs / "blocky-consumer", "--bind", "tcp://127.0.0.1:*",
                      "--interval", "1h", "--max-items", rows, "--log", "json", "--sink",
                      engine.spec()], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        endpoint = next((found.group(1) for found in map(LISTENING.search, consumer.stderr)
                         if found), None)
        if endpoint is None:
            raise SystemExit(f"blocky-consumer ended at once, with {consumer.wait()}")
        run_to_end([settings.programs / "blocky-producer", "--connect", endpoint, "--name", "p",
                    "--input", values, "--in-flight", rows, "--bundle", rows, "--log", "quiet"])
        consumer.send_signal(signal.SIGTERM)
        log, rest = consumer.communicate(timeout=PATIENCE)
    finally:
        consumer.kill()
        consumer.wait()
    if consumer.returncode != 0:
        raise SystemExit(f"blocky-consumer ended with {consumer.returncode}: {rest}")
    batches = [json.loads(line) for line in log.splitlines()]
    return [batch["process_ms"] for batch in batches if batch["size"] == rows]


def measure(engine, settings, values, rows, contenders):
    """One run of each contender, on an empty table each, which must then hold the same."""
    runs, stored = [], []
    for contender in contenders:
        engine.clear()
        ms = contender(engine, settings, values, rows)
        stored.append(engine.stored())
        runs.append(Run(ms[min(WARM_UP, len(ms) // 2):]))
    if len(set(stored)) != 1:
        raise SystemExit(f"{engine.name}: not the same is stored (rows, bytes): {stored}")
    return runs


def write_values(path, count, size):
    """Values of about `size` bytes, the same in each run of this program."""
    numbers = random.Random(4)
    with path.open("w", encoding="ascii") as file:
        for n in range(count):
            text = f'{{"n":{n},"x":{numbers.random():.6f},"text":"'
            text += "".join(numbers.choices("abcdefghijklmnopqrstuvwxyz ", k=size - len(text) - 2))
            file.write(text + '"}\n')


def overhead_table(results):
    """results: engine -> pairs (bare, blocky), one per repetition."""
    rows = []
    for name, pairs in results.items():
        for who, runs in zip(("plain program", "Blocky"), zip(*pairs)):
            cells = [name, who]
            for figure in ("p50", "mean"):
                own = [getattr(run, figure) for run in runs]
                bare = [getattr(pair[0], figure) for pair in pairs]
                cells += [report.spread(own), report.ratio(own, bare)]
            rows.append(cells)
    return report.table(["sink", "who", f"ms a batch of {BATCH:,}, p50", "÷ plain", "mean",
                         "÷ plain"], rows)


def ratio_of_means(pairs):
    return report.median([blocky.mean / bare.mean for bare, blocky in pairs])


def group_commit_table(results):
    """results: engine -> rows a transaction -> runs of (bare, blocky)."""
    rows = []
    for name, by_size in results.items():
        of_one = [report.median([run[i].mean for run in by_size[1]]) for i in (0, 1)]
        for size, runs in sorted(by_size.items()):
            cells = [name, f"{size:,}"]
            for i in (0, 1):
                each = [1000 * run[i].mean / size for run in runs]
                cells += [report.spread(each), f"{1000 * of_one[i] / report.median(each):.1f}"]
            rows.append(cells)
    return report.table(["sink", "rows a transaction", "plain program, µs a row", "times faster",
                         "Blocky, µs a row", "times faster"], rows, words=1)


def measure_engine(engine, settings, directory):
    """The pairs of each repetition at BATCH rows, and at each smaller size."""
    contenders = (run_bare, run_blocky)
    by_size = {}
    for size in (BATCH, *SMALLER):
        count = settings.batches * BATCH if size == BATCH else min(
            settings.batches * BATCH, settings.transactions * size)
        values = directory / f"values-{size}"
        write_values(values, count, settings.value_bytes)
        by_size[size] = []
        for repetition in range(settings.repeat if size == BATCH else settings.repeat_small):
            print(f"{engine.name}: {size} rows, run {repetition + 1}", file=sys.stderr)
            # By turns: whoever comes first finds the disk as the last run has left it.
            turn = -1 if repetition % 2 else 1
            by_size[size].append(tuple(
                measure(engine, settings, values, size, contenders[::turn])[::turn]))
        values.unlink()
    return by_size


def at_least_one(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", default=",".join(ENGINES), metavar="LIST",
                        type=lambda text: [ENGINES[name] for name in text.split(",")],
                        help=f"which sinks, of {','.join(ENGINES)} (default: all)")
    parser.add_argument("--batches", type=at_least_one, default=100, metavar="N",
                        help=f"batches of {BATCH} in a run (default: 100)")
    parser.add_argument("--repeat", type=at_least_one, default=7, metavar="N",
                        help="runs of each contender (default: 7)")
    parser.add_argument("--transactions", type=at_least_one, default=2000, metavar="N",
                        help="at most so many in a run with smaller ones (default: 2000)")
    parser.add_argument("--repeat-small", type=at_least_one, default=3, metavar="N",
                        help="runs with smaller transactions (default: 3)")
    parser.add_argument("--value-bytes", type=at_least_one, default=200, metavar="N",
                        help="size of a value (default: 200)")
    parser.add_argument("--directory", type=pathlib.Path, metavar="DIR",
                        help="on the disk to measure (default: the system's for temporary files)")
    parser.add_argument("--programs", type=pathlib.Path, default=PROGRAMS, metavar="DIR",
                        help="where the programs are (default: build/bin)")
    return parser.parse_args()


def main():
    settings = parse_options()
    results = {}
    with tempfile.TemporaryDirectory(prefix="blocky-sinks-", dir=settings.directory) as name:
        directory = pathlib.Path(name)
        for kind in settings.engines:
            engine = kind(directory)
            try:
                results[engine.name] = measure_engine(engine, settings, directory)
            finally:
                engine.close()
    pairs = {name: by_size[BATCH] for name, by_size in results.items()}
    print(overhead_table(pairs))
    for name, of_engine in pairs.items():
        ratio = ratio_of_means(of_engine)
        print(f"{name}: {ratio:.2f} times the plain program's mean, at most {MOST_RATIO} wanted: "
              f"{'reached' if ratio <= MOST_RATIO else '**not reached**'}\n")
    print(group_commit_table(results))


if __name__ == "__main__":
    main()
