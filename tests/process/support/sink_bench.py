"""The driver that measures a sink beside a plain program, for the tests that it still works."""

import subprocess
import unittest

from support.settings import BIN, DEADLINE, REPOSITORY, child_environment


class SinkBenchCase(unittest.TestCase):

    def assert_measures(self, engine):
        """Both contenders store the same, and there is a figure for each. No figure is judged."""
        done = subprocess.run(
            ["/usr/bin/python3", str(REPOSITORY / "bench" / "sinks.py"), "--engines", engine,
             "--programs", str(BIN), "--batches", "2", "--transactions", "4", "--repeat", "1",
             "--repeat-small", "1"], env=child_environment(), capture_output=True, text=True,
            timeout=8 * DEADLINE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()
                if line.startswith(f"| {engine} ")]
        self.assertEqual([row[1] for row in rows],
                         ["plain program", "Blocky", "1", "10", "100", "1,000"])
        for row in rows:
            self.assertGreater(float(row[2].split()[0].replace(",", "")), 0, row)
        self.assertIn(f"\n{engine}: ", done.stdout)
