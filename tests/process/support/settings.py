"""What the environment says about this run: where the programs are and how slow they may be.

BLOCKY_BIN         directory of the programs (default: build/bin of the repository)
BLOCKY_LONG_TESTS  1: the long soaks too
BLOCKY_SANITIZER   address or thread: the programs are sanitizer builds, five to ten times slower
BLOCKY_SEED        a number: what is random in a test is as in the run that printed it
BLOCKY_REQUIRE_SERVERS  1: a test that cannot run for want of a server fails; else it is skipped
"""

import os
import pathlib
import random
import sys
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("BLOCKY_BIN") or REPOSITORY / "build" / "bin").resolve()
LONG = os.environ.get("BLOCKY_LONG_TESTS") == "1"
SANITIZER = os.environ.get("BLOCKY_SANITIZER", "")
REQUIRE_SERVERS = os.environ.get("BLOCKY_REQUIRE_SERVERS") == "1"
SKIPPED = 77  # CTest's SKIP_RETURN_CODE, in tests/CMakeLists.txt
left_out = []  # why, for each test that cannot_run() has left out
SLOW = 6 if SANITIZER else 1

# How long a test waits for something that must happen. Nobody waits that long unless it is broken.
DEADLINE = 15.0 * (3 if SANITIZER else 1)


def scaled(size):
    """A smaller amount of work where the programs are slow."""
    return max(1, size // 5) if SANITIZER else size


def value_bytes(size):
    """The size of a large value. ThreadSanitizer does not see how libzmq hands over what it has
    received; of one that is large it takes a millisecond to suppress the report of each word."""
    return size // 100 if SANITIZER == "thread" else size


def child_environment(extra=None):
    """The environment of a program under test: ours, without any option of Blocky's own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BLOCKY_")}
    return {**clean, **(extra or {})}


def cannot_run(why):
    """Skips the test or the class of tests aloud; where everything must be there it fails."""
    if REQUIRE_SERVERS:
        raise AssertionError(f"{why}, and BLOCKY_REQUIRE_SERVERS is set")
    print(f"\nSKIPPED: {why}", file=sys.stderr, flush=True)
    left_out.append(why)
    raise unittest.SkipTest(why)


def main():
    """unittest.main, but that a test left out by cannot_run() is seen by CTest, which shows the
    output of no program that ended with 0."""
    result = unittest.main(exit=False).result
    sys.exit(1 if not result.wasSuccessful() else SKIPPED if left_out else 0)


def seeded_random(name):
    """A source of random numbers whose seed is printed, and set by BLOCKY_SEED."""
    seed = int(os.environ.get("BLOCKY_SEED") or random.SystemRandom().randrange(2**32))
    print(f"\n{name}: BLOCKY_SEED={seed}", file=sys.stderr, flush=True)
    return random.Random(seed)
