"""The two programs of Blocky, blocky-consumer and blocky-producer, with what each prints."""

import re
from typing import NamedTuple

from support.child import Child, program
from support.settings import DEADLINE
from support.strict_json import strict_json

LISTENING = re.compile(r"listening on (\S+)$")


class Consumer(Child):
    """A consumer that listens; its batch log is read as JSON unless `log` says otherwise."""

    pipe_size = 2**20

    def __init__(self, *options, bind=("tcp://127.0.0.1:*",), log="json", **streams):
        argv = [program("blocky-consumer")]
        for endpoint in bind:
            argv += ["--bind", endpoint]
        if log:
            argv += ["--log", log]
        super().__init__([*argv, *options], **streams)

    def wait_listening(self, count=1, seconds=DEADLINE):
        """The real endpoints, once all `count` of them are bound."""

        def found(lines):
            hits = [LISTENING.search(line) for line in lines]
            endpoints = [hit.group(1) for hit in hits if hit]
            return endpoints if len(endpoints) >= count else None

        return self.stderr.wait_until(found, seconds, f"{count} x 'listening on ENDPOINT'")

    @property
    def endpoint(self):
        return self.wait_listening()[0]

    def batches(self):
        """All batches logged so far."""
        return [strict_json(line) for line in self.stdout.all()]

    def filled(self):
        """The batches logged so far that had a message in them."""
        return [batch for batch in self.batches() if batch["size"] > 0]

    def wait_batch(self, predicate=lambda batch: True, seconds=DEADLINE, what="the expected batch"):
        """The first logged batch for which predicate(batch) holds."""
        line = self.stdout.wait_for_line(lambda l: predicate(strict_json(l)), seconds, what=what)
        return strict_json(line)

    def wait_filled(self, count, seconds=DEADLINE):
        """The first `count` batches that had a message in them."""

        def enough(lines):
            filled = [b for b in map(strict_json, lines) if b["size"] > 0]
            return filled[:count] if len(filled) >= count else None

        return self.stdout.wait_until(enough, seconds, f"{count} filled batches")


class Producer(Child):
    """A producer; ended by the clean-up it may say 3, as its message may be unanswered.

    Its stderr has only what goes wrong, unless `progress` says otherwise.
    """

    expected = (0, 3)

    def __init__(self, *options, connect=(), log="json", progress="never", **streams):
        argv = [program("blocky-producer"), "--progress", progress]
        for endpoint in connect:
            argv += ["--connect", endpoint]
        if log:
            argv += ["--log", log]
        super().__init__([*argv, *options], **streams)

    def replies(self):
        """All replies printed so far (with --log json)."""
        return [strict_json(line) for line in self.stdout.all()]

    def acknowledged(self):
        return [reply for reply in self.replies() if reply["status"] == "ok"]

    def wait_replies(self, count, seconds=DEADLINE):
        return [strict_json(line) for line in self.stdout.wait_for_count(count, seconds)]


class Outcome(NamedTuple):
    """How a program ended that was run to its end."""

    code: int
    stdout: str
    stderr: str

    @property
    def error_lines(self):
        return self.stderr.splitlines()
