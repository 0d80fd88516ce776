"""Process-level tests: the real programs, driven from outside over pipes, signals and ZeroMQ.

Makes `python3 -m unittest tests.process.test_x` find the package `support`, as
`python3 tests/process/test_x.py` does by itself.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
