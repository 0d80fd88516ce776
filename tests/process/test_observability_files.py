"""The Grafana dashboard and the alert rules ask for what there is, and promtool can read all of it:
the rules, and what a real consumer answers at /metrics."""

import json
import re
import shutil
import subprocess
import unittest

from support.case import BlockyCase
from support.http import ask, dashboard_port, read_metrics, read_status
from support.polling import poll_until
from support.settings import REPOSITORY, cannot_run, main

ALERTS = REPOSITORY / "docs" / "alerts.yml"
GRAFANA = REPOSITORY / "docs" / "grafana-dashboard.json"
NAME = re.compile(r"\b(?:blocky|process)_[a-z0-9_]+")
MATCHER = re.compile(r'\b((?:blocky|process)_[a-z0-9_]+)\{([^}]*)\}')
EXACT = re.compile(r'(\w+)="([^"$]*)"')
OF_PROMETHEUS = {"job", "instance"}  # labels that it adds


def expressions_of(node):
    """All that a dashboard asks a data source for."""
    if isinstance(node, list):
        for each in node:
            yield from expressions_of(each)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in ("expr", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions_of(value)


def alert_expressions():
    """The expressions of the rules, with what stands on the lines that go on with them."""
    text = ALERTS.read_text(encoding="utf-8")
    return re.findall(r"^ +expr: (?:>-\n)?((?:.+\n)(?:^ {10,}(?!\w+:).*\n)*)", text, re.MULTILINE)


def promtool(*arguments, text=""):
    """How promtool ends, and what it says."""
    if not shutil.which("promtool"):
        cannot_run("promtool is not installed (scripts/install-deps.sh --tests installs it)")
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout + done.stderr


class Observability(BlockyCase):

    def metrics_port(self):
        """Of a consumer that has answered a message."""
        consumer = self.lingering_consumer("1ms", "--http", "0")
        self.req(consumer.endpoint).ask({"value": 1})
        port = dashboard_port(consumer)
        poll_until(lambda: (read_status(port) or {}).get("totals", {}).get("messages") == 1)
        return port

    def assert_known(self, expressions, metrics):
        """Every name, and every label that is asked for by its value, is in the answer."""
        labels = {}
        for (name, pairs) in metrics.values:
            labels.setdefault(name, set()).update(pairs)
        for expression in expressions:
            for name in NAME.findall(expression):
                self.assertIn(name, metrics.names(), expression)
            for name, matchers in MATCHER.findall(expression):
                for pair in EXACT.findall(matchers):
                    if pair[0] not in OF_PROMETHEUS:
                        self.assertIn(pair, labels[name], expression)

    def test_the_alerts_ask_for_metrics_that_there_are(self):
        expressions = alert_expressions()
        self.assertEqual(len(expressions), ALERTS.read_text(encoding="utf-8").count("- alert: "))
        self.assert_known(expressions, read_metrics(self.metrics_port()))

    def test_grafana_asks_for_metrics_that_there_are(self):
        dashboard = json.loads(GRAFANA.read_text(encoding="utf-8"))
        expressions = list(expressions_of(dashboard))
        self.assertGreater(len(expressions), 30)
        self.assert_known(expressions, read_metrics(self.metrics_port()))

    def test_grafana_shows_every_metric_of_the_consumer(self):
        shown = set(NAME.findall(" ".join(expressions_of(json.loads(GRAFANA.read_text())))))
        bases = {re.sub("_(bucket|sum|count)$", "", name) for name in shown} | shown
        there = set(read_metrics(self.metrics_port()).types)
        self.assertEqual(there - bases, {"blocky_run_info", "process_start_time_seconds"})

    def test_panels_have_their_own_numbers_and_places(self):
        panels = json.loads(GRAFANA.read_text(encoding="utf-8"))["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        cells = [(x, y) for place in (panel["gridPos"] for panel in panels)
                 for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])]
        self.assertEqual(len(set(cells)), len(cells), "two panels overlap")
        self.assertLess(max(x for x, _ in cells), 24)

    def test_each_alert_has_a_sentence_that_describes_it(self):
        text = ALERTS.read_text(encoding="utf-8")
        alerts = text.split("- alert: ")[1:]
        for alert in alerts:
            self.assertRegex(alert, r"description: >-\n +\S.*\n(.*\n)*?.*\.\n", alert)
            self.assertRegex(alert, r"severity: (warning|critical)\n")

    def test_promtool_reads_the_alerts(self):
        code, said = promtool("check", "rules", str(ALERTS))
        self.assertEqual(code, 0, said)
        self.assertIn("SUCCESS", said)

    def test_promtool_reads_the_metrics_and_has_nothing_to_say(self):
        text = ask(self.metrics_port(), "/metrics")[2]
        self.assertEqual(promtool("check", "metrics", text=text), (0, ""))

    def test_promtool_would_have_something_to_say(self):
        code, said = promtool("check", "metrics", text="# TYPE x counter\nx 1\n")
        self.assertNotEqual((code, said), (0, ""))


class Expressions(unittest.TestCase):
    """The tests above would pass on files of which nothing is found."""

    def test_expressions_of_several_lines_are_whole(self):
        found = alert_expressions()
        self.assertIn("blocky_sink_up == 0", found[0])
        late = [each for each in found if "lateness" in each]
        self.assertEqual(len(late), 1)
        self.assertIn("> 0.1", late[0])


if __name__ == "__main__":
    main()
