"""scripts/run.sh, the first command of the README: its options reach the programs, and wrong ones are
told. It builds what is missing, so it is left out where other programs than the release's are tested.
"""

import json
import re
import subprocess
import unittest
import urllib.request

from support.case import BlockyCase
from support.child import Child
from support.settings import BIN, DEADLINE, REPOSITORY, SANITIZER, main

SCRIPT = str(REPOSITORY / "scripts" / "run.sh")
DASHBOARD = re.compile(r"dashboard at (http://127\.0\.0\.1:\d+)/$")


@unittest.skipIf(SANITIZER or BIN != REPOSITORY / "build" / "bin",
                 "scripts/run.sh runs the release's programs, and others are tested")
class RunScript(BlockyCase):

    def run_script(self, *options):
        return self.keep(Child([SCRIPT, *options]))

    def dashboard_of(self, script):
        line = script.stderr.wait_for_line(DASHBOARD.search, seconds=4 * DEADLINE)
        return DASHBOARD.search(line).group(1)

    def status(self, url):
        with urllib.request.urlopen(f"{url}/status", timeout=DEADLINE) as answer:
            return json.load(answer)

    def test_its_options_reach_the_programs(self):
        kept = self.directory / "kept.jsonl"
        script = self.run_script("--dashboard", "--producers", "3", "--sink", f"jsonl:{kept}",
                                 "--interval=150ms", "--barrier=2", "--in-flight", "4", "--",
                                 "--log", "json")
        url = self.dashboard_of(script)
        script.stdout.wait_for_line(lambda line: json.loads(line)["size"] >= 4)
        status = self.status(url)
        self.assertEqual(status["sink"]["kind"], "jsonl")
        self.assertEqual(status["timer"], {"kind": "interval", "ms": 150})
        self.assertEqual(status["barrier"], 2)
        self.assertEqual(script.stop(), 0)
        self.assertGreater(len(kept.read_text().splitlines()), 4)

    def test_a_consumer_that_is_started_again_has_its_dashboard_where_it_was(self):
        script = self.run_script("--dashboard", "--producers", "1", "--interval", "100ms", "--",
                                 "--log", "json")
        url = self.dashboard_of(script)
        first = script.stdout.wait_for_line(lambda line: json.loads(line)["size"] == 1)
        run = json.loads(first)["run"]
        subprocess.run(["pkill", "-KILL", "-P", str(script.pid), "-x", "blocky-consumer"],
                       check=True)
        script.stdout.wait_for_line(lambda line: json.loads(line)["run"] != run,
                                    seconds=2 * DEADLINE)
        self.assertNotEqual(self.status(url)["run"], run)
        self.assertEqual(script.stop(), 0)

    def test_wrong_options_are_told(self):
        for options, words in ((["--in-flight", "0"], "--in-flight: got \"0\", accepts"),
                               (["--barrier=no"], "--barrier=no: got"),
                               (["--sink"], "--sink: got \"\", accepts"),
                               (["--nonsense"], "got \"--nonsense\", accepts --producers N")):
            script = self.run_script(*options)
            self.assertEqual(script.wait(), 2)
            self.assertIn(words, "\n".join(script.stderr.all()))
        script = self.run_script("--sink", "nowhere:1")
        self.assertEqual(script.wait(4 * DEADLINE), 2)
        self.assertIn("--sink: got \"nowhere:1\"", "\n".join(script.stderr.all()))


if __name__ == "__main__":
    main()
