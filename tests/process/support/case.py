"""The base of all process tests: starts programs and clients, and leaves nothing behind.

Every test has its own directory and its own endpoints. When it ends, each program is asked to end,
reaped, and held to its exit code and to a stderr without a sanitizer's report; if it failed, stderr
is shown.
"""

import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import zmq

from support.child import REPORT, Child, program
from support.clients import CorrelatedReq, Dealer, Req
from support.fake_consumer import FakeConsumer
from support.programs import Consumer, Outcome, Producer
from support.settings import DEADLINE


class BlockyCase(unittest.TestCase):
    """One test that drives the programs."""

    maxDiff = 2000

    def setUp(self):
        self.children = []
        self._inputs = itertools.count()
        directory = tempfile.TemporaryDirectory(prefix="blocky-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, linger=0)
        self.addCleanup(self._end_children)

    def run(self, result=None):
        result = result or self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            text = "\n".join(child.describe() for child in getattr(self, "children", []))
            print(f"\n{self.id()} failed; its programs:\n{text}", file=sys.stderr, flush=True)
        return result

    def _end_children(self):
        for child in sorted(self.children, key=lambda child: isinstance(child, Consumer)):
            child.ask_to_end()
        problems = [problem for problem in (child.finish() for child in self.children) if problem]
        if problems:
            self.fail("\n".join(problems))

    # Programs

    def keep(self, child):
        """Has the clean-up end this child."""
        self.children.append(child)
        return child

    def consumer(self, *options, endpoints=1, **how):
        """A consumer that listens and has its first tick behind it, which was an empty batch."""
        consumer = self.keep(Consumer(*options, **how))
        consumer.wait_listening(endpoints)
        if consumer.stdout:
            consumer.stdout.wait_for_count(1)
        return consumer

    def batching_consumer(self, items, *options, **how):
        """A consumer whose batches close at so many messages, and never by the timer."""
        return self.consumer("--interval", "10m", "--max-items", str(items), *options, **how)

    def lingering_consumer(self, linger, *options, **how):
        """A consumer without ticks, whose batches close so long after their first messages."""
        consumer = self.keep(Consumer("--linger", linger, *options, **how))
        consumer.wait_listening()
        return consumer

    def producer(self, endpoint, *options, **how):
        return self.keep(Producer(*options, connect=(endpoint,), **how))

    def run_to_end(self, name, *options, seconds=DEADLINE, **how):
        """Runs a program that ends by itself."""
        child = self.keep(Child([program(name), *options], **how))
        code = child.wait(seconds)
        out, err = ("\n".join(lines.all()) if lines else ""
                    for lines in (child.stdout, child.stderr))
        self.assertIsNone(REPORT.search(err))
        return Outcome(code, out, err)

    def input_file(self, text):
        """A file in this test's directory with that text (str or bytes)."""
        path = self.directory / f"input-{next(self._inputs)}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def input_pipe(self, *command):
        """The reading end of a pipe that a command of the system writes, for a program's stdin."""
        source = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(source.wait, DEADLINE)
        self.addCleanup(source.kill)
        self.addCleanup(source.stdout.close)
        return source.stdout

    def full_pipe(self):
        """The writing end of a pipe that has no room left, and that nobody reads."""
        reading, writing = os.pipe()
        for descriptor in (reading, writing):
            self.addCleanup(os.close, descriptor)
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, bytes(4096))
        except BlockingIOError:
            os.set_blocking(writing, True)
        return writing

    def end(self, consumer):
        """Ends a consumer in good order; the batches it has logged that had a message in them."""
        self.assertEqual(consumer.stop(), 0)
        return consumer.filled()

    # Clients

    def _client(self, kind, endpoint):
        client = kind(self.context, endpoint)
        self.addCleanup(client.close)
        return client

    def req(self, endpoint):
        return self._client(Req, endpoint)

    def correlated_req(self, endpoint):
        return self._client(CorrelatedReq, endpoint)

    def dealer(self, endpoint):
        return self._client(Dealer, endpoint)

    def fake_consumer(self, endpoint="tcp://127.0.0.1:*"):
        fake = FakeConsumer(endpoint)
        self.addCleanup(fake.close)
        return fake

    # Replies, to the letter of the contract

    ERRORS = {"bad_request": False, "unsupported_version": False, "too_large": False, "busy": True,
              "expired": True, "rejected": False, "sink_failed": True, "shutting_down": True}

    def assert_ok(self, reply, size=None, result=None, **members):
        """The acknowledgement of a held message, with no member too many or too few."""
        expected = {"status", "batch", "size", "result", *members}
        self.assertEqual(set(reply), expected, reply)
        self.assertEqual(reply["status"], "ok")
        self.assertIsInstance(reply["batch"], int)
        for name, value in {"size": size, "result": result}.items():
            if value is not None:
                self.assertEqual(reply[name], value, reply)
        for name, value in members.items():
            self.assertEqual(reply[name], value, reply)

    def assert_duplicate(self, reply, message_id):
        self.assertEqual(reply, {"status": "ok", "id": message_id, "duplicate": True})

    def assert_error(self, reply, code, **members):
        """An error reply: its code, a sentence, the code's `retry`, and nothing that is not its."""
        self.assertEqual(reply.get("status"), "error", reply)
        self.assertEqual(reply.get("code"), code, reply)
        self.assertIs(reply.get("retry"), self.ERRORS[code], reply)
        self.assertIsInstance(reply.get("message"), str, reply)
        self.assertGreater(len(reply["message"]), 5, reply)
        extra = set(reply) - {"status", "code", "message", "retry", "id"}
        self.assertEqual(extra, {"retry_after_ms"} if code == "busy" else set(), reply)
        if code == "busy":
            self.assertIsInstance(reply["retry_after_ms"], int)
            self.assertGreater(reply["retry_after_ms"], 0)
        for name, value in members.items():
            self.assertEqual(reply.get(name), value, reply)
