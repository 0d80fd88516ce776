"""What the environment says about this run: where the programs are and how slow they may be.

BLOCKY_BIN         directory of the programs (default: build/bin of the repository)
BLOCKY_LONG_TESTS  1: the long soaks too
BLOCKY_SANITIZER   1: the programs are sanitizer builds, five to ten times slower
"""

import os
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("BLOCKY_BIN") or REPOSITORY / "build" / "bin").resolve()
LONG = os.environ.get("BLOCKY_LONG_TESTS") == "1"
SANITIZER = os.environ.get("BLOCKY_SANITIZER") == "1"
SLOW = 6 if SANITIZER else 1

# How long a test waits for something that must happen. Nobody waits that long unless it is broken.
DEADLINE = 15.0 * (3 if SANITIZER else 1)


def scaled(size):
    """A smaller amount of work where the programs are slow."""
    return max(1, size // 5) if SANITIZER else size


def child_environment(extra=None):
    """The environment of a program under test: ours, without any option of Blocky's own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BLOCKY_")}
    return {**clean, **(extra or {})}
