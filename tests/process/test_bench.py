"""The benchmark's driver still works: with the bare pair alone, for fractions of a second.

No figure is judged; that there are some is.
"""

import subprocess
import sys
import unittest
import xml.etree.ElementTree

from support.settings import BIN, DEADLINE, LONG, REPOSITORY, SANITIZER, child_environment

BENCH = REPOSITORY / "bench"
sys.path.insert(0, str(BENCH))

import plot  # noqa: E402
import report  # noqa: E402
import targets  # noqa: E402
import ticks  # noqa: E402
from contest import Sample  # noqa: E402
from loads import loads_of  # noqa: E402


def driver(*options):
    """What it prints; a failure if it fails."""
    done = subprocess.run(
        ["/usr/bin/python3", str(BENCH / "benchmark.py"), "--programs", str(BIN), *options],
        env=child_environment(), capture_output=True, text=True, timeout=8 * DEADLINE, check=False)
    if done.returncode != 0:
        raise AssertionError(f"benchmark.py {options} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def rows(markdown):
    """The cells of each row that stands below a table's head."""
    lines = [line.strip("| ").split(" | ") for line in markdown.splitlines()
             if line.startswith("|")]
    return [line for line in lines if line[0] not in ("load", "---")]


class DriverTest(unittest.TestCase):
    def run_bare(self, loads, *options):
        return rows(driver("--bare-only", "--loads", loads, "--seconds", "0.2", "--repeat", "1",
                           *options))

    @unittest.skipIf(SANITIZER == "thread",
                     "takes libzmq's own hand-over of a message to the bare pair for a race")
    def test_each_contest_gives_figures(self):
        found = self.run_bare("H,I,P", "--producers", "10")
        self.assertEqual({row[0] for row in found},
                         {"H N=1", "H N=10", "I N=1", "I N=10", "P N=1 W=64", "P N=10 W=64",
                          "P N=10 W=1000"})
        for row in found:
            for cell in (row[2], row[4], row[5], row[6]):
                self.assertGreater(float(cell.replace(",", "")), 0, row)

    def test_held_producers_are_released(self):
        (row,) = self.run_bare("held", "--held", "20")
        self.assertEqual(row[:2], ["20 held", "bare"])
        self.assertGreater(float(row[4]), 0)

    @unittest.skipUnless(LONG and not SANITIZER, "takes half a minute")
    def test_ten_thousand_are_held_by_either_consumer(self):
        """Who is not connected within a minute, or is cut off, fails the run: of Blocky's three."""
        found = rows(driver("--loads", "held", "--held", "10000", "--repeat", "3"))
        self.assertEqual({row[1] for row in found if row[0] == "10,000 held"},
                         {"bare", "Blocky's consumer"})

    def test_ticks_are_timed(self):
        (row,) = self.run_bare("ticks", "--ticks", "20")
        self.assertEqual(row[0], "20 ticks of 10 ms")
        self.assertLess(float(row[2]), ticks.TICK_MS)

    def test_a_wrong_option_is_refused_by_name(self):
        done = subprocess.run([str(BENCH / "benchmark.py"), "--loads", "H,Q"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--loads: got 'Q', accepts H,I,P", done.stderr)


class JudgementTest(unittest.TestCase):
    def test_lateness_counts_from_the_earliest_tick(self):
        on_the_grid = [tick * 10_000_000 for tick in range(100)]
        on_the_grid[50] += 300_000
        lateness = ticks.judge(on_the_grid)
        self.assertAlmostEqual(max(lateness.late_ms), 0.3)
        self.assertAlmostEqual(min(lateness.late_ms), 0)
        self.assertAlmostEqual(lateness.drift_ms, 0)

    def test_a_period_that_is_too_long_is_drift(self):
        lateness = ticks.judge([tick * 10_001_000 for tick in range(1000)])
        self.assertAlmostEqual(lateness.drift_ms, 0.9, places=1)

    def test_a_quantile_is_a_value_that_was_measured(self):
        values = list(range(1, 101))
        self.assertEqual([report.quantile(values, share) for share in (0.5, 0.99, 1)],
                         [50, 99, 100])

    def test_a_table_goes_between_its_markers_and_nowhere_else(self):
        document = "a\n<!-- bench:H -->\nold\n<!-- /bench:H -->\nb\n"
        self.assertEqual(report.place(document, "H", "new\n"),
                         "a\n<!-- bench:H -->\nnew\n<!-- /bench:H -->\nb\n")
        with self.assertRaises(SystemExit):
            report.place(document, "P", "new")

    def test_every_section_has_its_place_in_the_document(self):
        document = (REPOSITORY / "docs" / "performance.md").read_text(encoding="utf-8")
        for section in ("H", "I", "P", "size", "batch", "held", "ticks", "aims",
                        "plot-producers", "plot-size", "plot-batch"):
            self.assertIn("new", report.place(document, section, "new"))

    def test_every_aim_names_a_load_and_a_contender_that_exist(self):
        known = {(load.name, contender.name) for section in "HIP"
                 for load in loads_of(section, 1000) for contender in load.contenders}
        for target in targets.TARGETS:
            self.assertIn((target.load, target.contender), known)

    def test_an_aim_compares_each_repetition_with_its_own_yardstick(self):
        load = next(load for load in loads_of("H", 10) if load.producers == 10)
        samples = [[Sample(100, 1, []), Sample(200, 1, [])], [Sample(95, 1, []),
                                                              Sample(100, 1, [])], []]
        (row,) = targets.contest_rows([(load, samples)])
        self.assertEqual(row[3:], ["0.72", "**no**"])

    def test_a_plot_is_well_formed(self):
        line = plot.Line("a < b", [(1, 10), (1000, 0.5)])
        text = plot.svg([plot.Panel("Throughput", "producers", "messages/s", [line])] * 2)
        root = xml.etree.ElementTree.fromstring(text)
        self.assertEqual(len(root.findall("{*}polyline")), 2)


if __name__ == "__main__":
    unittest.main()
