"""The driver that measures sinks beside plain programs still works. No figure is judged."""

import subprocess
import unittest

from support.settings import BIN, DEADLINE, REPOSITORY, child_environment


class DriverTest(unittest.TestCase):

    def test_both_contenders_store_the_same_and_give_figures(self):
        done = subprocess.run(
            ["/usr/bin/python3", str(REPOSITORY / "bench" / "sinks.py"), "--engines", "sqlite",
             "--programs", str(BIN), "--batches", "2", "--transactions", "4", "--repeat", "1",
             "--repeat-small", "1"], env=child_environment(), capture_output=True, text=True,
            timeout=8 * DEADLINE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()
                if line.startswith("| sqlite")]
        self.assertEqual([row[1] for row in rows],
                         ["plain program", "Blocky", "1", "10", "100", "1,000"])
        for row in rows:
            self.assertGreater(float(row[2].split()[0].replace(",", "")), 0, row)


if __name__ == "__main__":
    unittest.main()
