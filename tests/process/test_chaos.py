"""The chaos tool for some seconds: it does harm, and finds nothing lost; and it would tell."""

import os
import re
import subprocess
import sys
import unittest
from types import SimpleNamespace

from support.settings import BIN, REPOSITORY, SANITIZER, main
from support.sinks import Stored

sys.path.insert(0, str(REPOSITORY / "tests"))

from chaos.ledger import judge  # noqa: E402


class Ledger(unittest.TestCase):

    @staticmethod
    def judged(*stored):
        feeder = SimpleNamespace(name="p", acknowledged={"p-1", "p-2"},
                                 wanted=lambda: {"p-1": "1", "p-2": "2", "p-3": "3"})
        return judge([feeder], [Stored(*each) for each in stored])

    def test_what_is_acknowledged_and_there_is_good_and_more_may_be_there(self):
        judgement = self.judged(("p-1", "p", "1"), ("p-2", "p", "2"), ("p-3", "p", "3"))
        self.assertTrue(judgement.good)
        self.assertEqual((judgement.messages, judgement.acknowledged), (3, 2))

    def test_lost_doubled_and_wrong_are_told(self):
        judgement = self.judged(("p-1", "p", "1"), ("p-1", "p", "1"), ("p-3", "p", "4"),
                                ("q-1", "p", "1"))
        self.assertFalse(judgement.good)
        self.assertEqual((judgement.lost, judgement.doubled, judgement.wrong), (1, 1, 2))


class Chaos(unittest.TestCase):

    @unittest.skipIf(SANITIZER, "chaos is for the programs at their own speed")
    def test_some_seconds_of_it_lose_nothing(self):
        done = subprocess.run(
            ["/usr/bin/python3", str(REPOSITORY / "tests" / "chaos" / "run.py"), "--seconds", "10",
             "--producers", "8", "--pause", "0.4"], check=False, capture_output=True,
            text=True, timeout=150, env={**os.environ, "BLOCKY_BIN": str(BIN)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        counts = {name.strip(): int(number.replace(",", "")) for name, number in
                  re.findall(r"^(.+?)  +([\d,]+)$", done.stdout, re.MULTILINE)}
        self.assertGreater(counts["faults in all"], 3)
        self.assertGreater(counts["acknowledged"], 100)
        self.assertEqual([counts[name] for name in ("lost", "doubled", "wrong")], [0, 0, 0])


if __name__ == "__main__":
    main()
