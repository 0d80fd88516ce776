"""The disk of a sink is full: producers are held, the log says so once, and they go on when there
is room. The disk is a small tmpfs of the test's own, which only root may mount.
"""

import collections
import json
import os
import subprocess

from support import sinks
from support.case import BlockyCase
from support.settings import DEADLINE, cannot_run, main
from support.sink_contract import FAILS, WORKS_AGAIN

PRODUCERS = 10
LINES = 200
PADDING = "x" * 2000  # all lines together are 4 MB
SMALL, LARGE = "1m", "32m"


class DiskFull:
    """The test, for one adapter."""

    adapter = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.adapter.require()
        if os.geteuid() != 0:
            cannot_run("a small disk is mounted by root only")

    def mount_small_disk(self):
        """The directory where it is mounted."""
        disk = self.directory / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "blocky-test",
                                  str(disk)], capture_output=True, encoding="utf-8", check=False)
        if mounted.returncode != 0:
            cannot_run(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
        # Lazily, since a consumer may still have files open on it when a test has failed.
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        return disk

    def start_producer(self, endpoint, i):
        lines = "\n".join(json.dumps({"id": f"p{i}-{n}", "x": PADDING}) for n in range(LINES))
        return self.producer(endpoint, "--name", f"p{i}", "--input", self.input_file(lines),
                             "--id-field", "/id")

    def test_producers_are_held_while_the_disk_is_full_and_go_on_when_there_is_room(self):
        disk = self.mount_small_disk()
        sink = self.adapter(disk, None)
        consumer = self.lingering_consumer("1ms", *sink.options)
        producers = [self.start_producer(consumer.endpoint, i) for i in range(PRODUCERS)]
        failure = consumer.stderr.wait_for_line(FAILS.search, 2 * DEADLINE, what="a full disk")
        self.assertRegex(failure, "(?i)no space left|disk is full")
        batches = consumer.filled()
        stored = collections.Counter(message.id for message in sink.stored())
        for producer in producers:
            self.assertFalse(producer.ended())
            self.assertEqual({r["status"] for r in producer.replies()} - {"ok"}, set())
            for reply in producer.acknowledged():
                self.assertEqual(stored[reply["id"]], 1, reply)
        self.assertEqual(consumer.filled(), batches, "a batch got through without room")
        subprocess.run(["mount", "-o", f"remount,size={LARGE}", str(disk)], check=True)
        for producer in producers:
            self.assertEqual(producer.wait(2 * DEADLINE), 0)
        self.assertEqual(consumer.stop(), 0)
        stored = collections.Counter(message.id for message in sink.stored())
        self.assertEqual(stored, {f"p{i}-{n}": 1 for i in range(PRODUCERS) for n in range(LINES)})
        lines = consumer.stderr.all()
        self.assertEqual([sum(bool(said.search(line)) for line in lines)
                          for said in (FAILS, WORKS_AGAIN)], [1, 1], "\n".join(lines))


class JsonlDiskFull(DiskFull, BlockyCase):
    adapter = sinks.JsonlSink


class SqliteDiskFull(DiskFull, BlockyCase):
    adapter = sinks.SqliteSink


if __name__ == "__main__":
    main()
