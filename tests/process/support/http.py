"""A consumer with --http, asked by somebody else's HTTP client."""

import http.client
import json
import re

from support.prometheus_text import Metrics
from support.settings import DEADLINE

DASHBOARD = re.compile(r"dashboard at http://127\.0\.0\.1:(\d+)/$")


def dashboard_port(consumer):
    """The port that a consumer with --http says it has."""
    line = consumer.stderr.wait_for_line(DASHBOARD.search, what="'dashboard at http://…'")
    return int(DASHBOARD.search(line).group(1))


def ask(port, path, method="GET", headers=None, seconds=DEADLINE):
    """The status, the headers and the text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def read_status(port):
    """What /status says, once the consumer serves; nothing while it starts."""
    code, _, text = ask(port, "/status")
    return json.loads(text) if code == 200 else None


def read_metrics(port):
    code, _, text = ask(port, "/metrics")
    assert code == 200, text
    return Metrics(text)


class EventReader:
    """A reader of /events; each event is a dict of its fields, its data one list of lines."""

    def __init__(self, port, path="/events", headers=None):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        self._connection.request("GET", path, headers=headers or {})
        self.answer = self._connection.getresponse()

    def close(self):
        self.answer.close()
        self._connection.close()

    def next(self):
        """The next event that has data; None at the end of the stream."""
        event = {"data": []}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if not name and line == "\n" and event["data"]:
                return event
            if name == "data":
                event["data"].append(value)
            elif name:
                event[name] = value
        return None

    def wait_for(self, predicate):
        """The next event of which that holds."""
        while event := self.next():
            if predicate(event):
                return event
        raise AssertionError("the stream has ended")
