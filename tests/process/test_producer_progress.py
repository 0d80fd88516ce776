"""What a producer says of how it goes: drawn over on a terminal, a line now and then elsewhere, and a
summary at its end; and one JSON object per reply.
"""

import fcntl
import os
import pty
import re
import struct
import termios
import threading

from support.case import BlockyCase
from support.polling import poll_until
from support.settings import main

SUMMARY = re.compile(r"blocky-producer: (\d+) sent, (\d+) acknowledged \((\d+) duplicates\), "
                     r"(\d+) rejected.*; held p50 .*, p99 .*; [\d.]+/s for ")


class Terminal:
    """A pseudo-terminal that a program's stderr goes to."""

    def __init__(self, columns):
        self._master, self.stream = pty.openpty()
        fcntl.ioctl(self.stream, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._text = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        try:
            while data := os.read(self._master, 4096):
                self._text += data
        except OSError:  # the other side is closed
            pass

    def text(self):
        return self._text.decode(errors="replace")

    def close(self):
        os.close(self.stream)
        self._reader.join()
        os.close(self._master)


class Progress(BlockyCase):

    def on_terminal(self, *options, columns=100):
        terminal = Terminal(columns)
        self.addCleanup(terminal.close)
        producer = self.producer(self.endpoint, *options, log="quiet", progress="auto",
                                 stderr=terminal.stream)
        return producer, terminal

    def serve(self, *options):
        self.endpoint = self.consumer(*options).endpoint

    def serve_at_once(self):
        self.endpoint = self.lingering_consumer("1ms").endpoint

    def test_a_terminal_has_one_line_that_is_drawn_over(self):
        self.serve("--interval", "20ms")
        producer, terminal = self.on_terminal("--count", "100")
        self.assertEqual(producer.wait(), 0)
        poll_until(lambda: "sent" in terminal.text(), what=lambda: "the summary")
        drawn = terminal.text().split("\r\x1b[K")
        self.assertGreater(len(drawn), 4, drawn)
        self.assertRegex(drawn[-2], r"^\d+ acknowledged, \d+ %, [\d.]+/s, .*left.*held ")
        self.assertRegex(drawn[-1], SUMMARY)

    def test_a_narrow_terminal_is_not_wrapped(self):
        self.serve("--interval", "20ms")
        producer, terminal = self.on_terminal("--count", "50", columns=30)
        self.assertEqual(producer.wait(), 0)
        poll_until(lambda: "sent" in terminal.text(), what=lambda: "the summary")
        *drawn, summary = terminal.text().split("\r\x1b[K")
        self.assertIn("50 sent", summary)
        self.assertLess(max(map(len, drawn)), 30, drawn)

    def test_who_is_held_says_for_what_it_waits(self):
        self.serve("--interval", "10m")
        producer, terminal = self.on_terminal("--count", "1")
        poll_until(lambda: re.search(r"waiting for \d+ s for the reply to message 1",
                                     terminal.text()), what=terminal.text)
        producer.kill9()

    def test_elsewhere_there_is_a_line_now_and_then_and_a_summary(self):
        self.serve("--interval", "20ms")
        producer = self.producer(self.endpoint, "--rate", "20", log="quiet", progress="auto")
        line = producer.stderr.wait_for_line(lambda l: "acknowledged" in l)
        self.assertRegex(line, r"info blocky-producer: \d+ acknowledged, [\d.]+/s, held ")
        self.assertIn(producer.stop(), (0, 3))
        self.assertRegex(producer.stderr.all()[-1], SUMMARY)

    def test_never_is_silent(self):
        self.serve("--interval", "20ms")
        producer = self.producer(self.endpoint, "--count", "5", log="quiet", progress="never")
        self.assertEqual(producer.wait(), 0)
        self.assertEqual(producer.stderr.all(), [])

    def test_the_summary_counts_duplicates_and_rejected(self):
        self.serve_at_once()
        lines = self.input_file('1\n2\n1\n"no number"\n')
        producer = self.producer(self.endpoint, "--input", lines, "--id-field", "", log="quiet",
                                 progress="auto")
        self.assertEqual(producer.wait(), 3)
        summary = SUMMARY.search(producer.stderr.all()[-1]) or self.fail(producer.stderr.all())
        self.assertEqual(summary.groups(), ("4", "3", "1", "1"))

    def test_json_has_one_object_for_each_reply(self):
        self.serve_at_once()
        lines = self.input_file("1\n\"no number\"\n2\n")
        for options in ((), ("--in-flight", "10", "--bundle", "3")):
            producer = self.producer(self.endpoint, "--input", lines, *options, log="json")
            self.assertEqual(producer.wait(), 3)
            statuses = sorted(reply["status"] for reply in producer.replies())
            self.assertEqual(statuses, ["error", "ok", "ok"])
            (refused,) = [reply for reply in producer.replies() if reply["status"] == "error"]
            self.assertEqual((refused["code"], refused["retry"]), ("bad_request", False))


if __name__ == "__main__":
    main()
