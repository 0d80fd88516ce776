#!/usr/bin/python3
"""Chaos: real producers and a real consumer, killed, stopped, cut off and slowed down at random, for
a given time; then what the producers saw as `ok` is held against what the sink holds.

Prints a table of the faults and the judgement on stdout. Exit status 0: nothing was lost, doubled or
wrong; 1: something was; 2: bad usage.
"""

import argparse
import collections
import pathlib
import random
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "process")]

from chaos import faults, ledger  # noqa: E402
from chaos.world import World  # noqa: E402
from support import sinks  # noqa: E402

SINKS = {"sqlite": sinks.SqliteSink, "jsonl": sinks.JsonlSink, "postgres": sinks.PostgresSink,
         "nats": sinks.NatsSink}
PROGRESS_EVERY = 10  # seconds


def positive(kind):
    def parse(text):
        number = kind(text)
        if number <= 0:
            raise argparse.ArgumentTypeError(f'got "{text}", accepts a number over 0')
        return number
    return parse


def options(arguments=None):
    parser = argparse.ArgumentParser(
        prog="chaos.sh", description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--seconds", type=positive(float), default=60, metavar="S",
                        help="how long faults happen")
    parser.add_argument("--producers", type=positive(int), default=20, metavar="N",
                        help="producer processes; one in four has 32 messages in flight")
    parser.add_argument("--sink", choices=SINKS, default="sqlite", help="where messages go")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32),
                        metavar="N", help="the plan of faults; a random one by default")
    parser.add_argument("--pause", type=positive(float), default=1.0, metavar="S",
                        help="between two faults, on average")
    parser.add_argument("--rate", type=positive(int), default=50, metavar="N",
                        help="messages a second of each producer, at most")
    parser.add_argument("--keep", action="store_true",
                        help="leave what the programs said, and the sink's files, where they are")
    return parser.parse_args(arguments)


def say(text):
    print(f"chaos.sh: {text}", file=sys.stderr, flush=True)


def rage(world, chosen):
    """Faults until the time is over, one after the other; how many of each kind."""
    source = random.Random(chosen.seed)
    counts = collections.Counter()
    start = said = time.monotonic()
    while (now := time.monotonic()) < start + chosen.seconds:
        time.sleep(source.uniform(0, 2 * chosen.pause))  # the plan's pace
        world.consumer.tend()
        fault = faults.draw(source)
        fault.inflict(world, source)
        counts[fault.name] += 1
        if now - said >= PROGRESS_EVERY:
            said = now
            say(f"{now - start:.0f} of {chosen.seconds:.0f} s: {counts.total()} faults, "
                f"{world.acknowledged()} messages acknowledged")
    return counts


def report(counts, judgement, world, problems):
    width = max(len(fault.name) for fault in faults.FAULTS)
    rows = [(fault.name, counts[fault.name]) for fault in faults.FAULTS]
    rows += [("faults in all", counts.total()),
             ("the consumer ended by itself", len(world.consumer.ended_by_itself)),
             ("messages", judgement.messages), ("acknowledged", judgement.acknowledged),
             ("lost", judgement.lost), ("doubled", judgement.doubled), ("wrong", judgement.wrong)]
    for name, count in rows:
        print(f"{name:<{width}}  {count:>9,}")
    for problem in (*problems[:10], *(f"see {name}" for name in judgement.examples)):
        print(problem)


def run(chosen, directory, server):
    sink = SINKS[chosen.sink](pathlib.Path(directory), server)
    world = World(directory, sink, chosen.producers, chosen.rate)
    try:
        counts = rage(world, chosen)
        say("no more faults; waiting until every message is acknowledged")
        problems = world.settle(seconds=60)
        judgement = ledger.judge(world.feeders, sink.stored())
    finally:
        world.close()
        sink.close()
    report(counts, judgement, world, problems)
    return 0 if judgement.good and not problems else 1


def main():
    chosen = options()
    say(f"seed {chosen.seed}, {chosen.seconds:.0f} s, {chosen.producers} producers, sink "
        f"{chosen.sink}")
    adapter = SINKS[chosen.sink]
    server = adapter.start_server()
    directory = tempfile.mkdtemp(prefix="blocky-chaos-")
    try:
        return run(chosen, directory, server)
    finally:
        adapter.close_server(server)
        if chosen.keep:
            say(f"kept {directory}")
        else:
            shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
