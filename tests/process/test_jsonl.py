"""The sink jsonl with the real consumer: what is in the file when a producer has its `ok`, over
restarts, kills, rotation and disks that are full or gone.
"""

import collections
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import unittest

from support.case import BlockyCase
from support.programs import Consumer
from support.settings import DEADLINE, SANITIZER, SLOW, cannot_run, main, scaled
from support.strict_json import strict_json

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class JsonlCase(BlockyCase):

    def setUp(self):
        super().setUp()
        self.place = self.directory / "data"
        self.place.mkdir()
        self.path = self.place / "events.jsonl"
        self.listen_on = f"ipc://{self.directory}/socket"

    def jsonl(self, *options, path=None, **how):
        """A consumer that stores each message as soon as it can."""
        consumer = self.keep(Consumer("--linger", "0s", "--sink", f"jsonl:{path or self.path}",
                                      *options, bind=(self.listen_on,), **how))
        consumer.wait_listening()
        return consumer

    def lines(self, path=None):
        text = (path or self.path).read_bytes()
        self.assertTrue(text == b"" or text.endswith(b"\n"), text[-100:])
        return [strict_json(line) for line in text.splitlines()]

    def ids(self, path=None):
        return [line["id"] for line in self.lines(path)]

    def push(self, client, *ids):
        """Each must be acknowledged, as stored."""
        for message_id in ids:
            reply = client.ask({"value": message_id, "id": message_id})
            self.assertEqual(set(reply), {"status", "id", "batch", "size"}, reply)
            self.assertEqual(reply["status"], "ok")

    def hang_up(self, consumer, times=1, says="SIGHUP: files"):
        """Returns when it is known that the files are to be opened anew."""
        consumer.send_signal(signal.SIGHUP)
        consumer.stderr.wait_until(lambda lines: sum(says in l for l in lines) >= times,
                                   what=f"{times} x {says}")

    def assert_held(self, dealer, tag):
        """The message has been taken and is not answered, while others are refused at once."""
        self.assert_error(dealer.ask(b"no JSON"), "bad_request")
        self.assertNotIn(tag, dealer.answered())


class Lines(JsonlCase):

    def test_a_batch_is_in_the_file_line_by_line_when_it_is_answered(self):
        consumer = self.batching_consumer(4, "--sink", f"jsonl:{self.path}")
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all([
            b'{"value": {"a": [1.50, 1e5,\n "\\u0000\xc3\xa9"]}, "id": "one", "producer": "p\\"1"}',
            b'{"value": 123456789012345678901234567890}', {"value": None, "id": "two"},
            {"value": "again", "id": "three"}])
        replies = dealer.replies(tags)
        for reply, message_id in zip(replies, ["one", None, "two", "three"]):
            expected = {"status": "ok", "batch": 2, "size": 4}
            self.assertEqual(reply, {**expected, "id": message_id} if message_id else expected)
        text = self.path.read_text(encoding="utf-8")
        for line in self.lines():
            self.assertEqual(list(line), ["ts", "run", "batch", "producer", "id", "value"])
            self.assertRegex(line["ts"], TIMESTAMP)
        run = consumer.batches()[0]["run"]
        rests = [line[line.index(',"batch"'):] for line in text.splitlines()]
        self.assertEqual(rests, [
            ',"batch":2,"producer":"p\\"1","id":"one","value":{"a": [1.50, 1e5,  "\\u0000é"]}}',
            f',"batch":2,"producer":null,"id":"{run}:2","value":123456789012345678901234567890}}',
            ',"batch":2,"producer":null,"id":"two","value":null}',
            ',"batch":2,"producer":null,"id":"three","value":"again"}'])
        self.assertEqual({line["run"] for line in self.lines()}, {run})
        self.assertEqual(consumer.wait_filled(1)[0]["summary"], {"stored": 4, "duplicates": 0})

    def test_the_text_log_says_what_was_stored_where(self):
        consumer = self.jsonl(log="text")
        self.push(self.dealer(consumer.endpoint), "a")
        consumer.stdout.wait_for_line(lambda l: "batch=1 Stored 1 line in events.jsonl ✅ (" in l)

    def test_a_last_line_that_is_torn_is_cut_off_and_said(self):
        consumer = self.jsonl()
        self.push(self.dealer(consumer.endpoint), "a", "b")
        consumer.kill9()
        whole = self.path.read_bytes()
        with self.path.open("ab") as file:
            file.write(whole[:33])
        consumer = self.jsonl()
        consumer.stderr.wait_for_line(lambda l: "cut 33 bytes" in l and str(self.path) in l)
        self.assertEqual(self.path.read_bytes(), whole)
        self.push(self.dealer(consumer.endpoint), "c")
        self.assertEqual(self.ids(), ["a", "b", "c"])


class Restart(JsonlCase):

    def test_a_restarted_consumer_knows_the_ids_in_the_file(self):
        consumer = self.jsonl()
        self.push(self.dealer(consumer.endpoint), "a", "b")
        consumer.kill9()
        consumer = self.jsonl()
        dealer = self.dealer(consumer.endpoint)
        self.assert_duplicate(dealer.ask({"value": 1, "id": "a"}), "a")
        self.push(dealer, "c")
        self.assertEqual(self.ids(), ["a", "b", "c"])
        self.assertEqual([b["duplicates"] for b in consumer.wait_filled(2)], [1, 0])

    def test_the_window_says_how_many(self):
        consumer = self.jsonl()
        self.push(self.dealer(consumer.endpoint), "a", "b", "c")
        self.assertEqual(consumer.stop(), 0)
        consumer = self.jsonl("--dedup-window", "2")
        dealer = self.dealer(consumer.endpoint)
        self.assert_duplicate(dealer.ask({"value": 1, "id": "b"}), "b")
        self.push(dealer, "a")
        self.assertEqual(self.ids(), ["a", "b", "c", "a"])

    def test_killed_again_and_again_what_was_acknowledged_is_there_once(self):
        count = scaled(3000)
        inputs = [self.input_file("".join(
            json.dumps({"key": f"{name}-{n}"}) + "\n" for n in range(count))) for name in "abcd"]
        consumer = self.jsonl()
        producers = [self.producer(self.listen_on, "--input", path, "--id-field", "/key",
                                   "--in-flight", "50", "--timeout", "2s") for path in inputs]
        for kill in range(1, 6):
            producers[kill % 4].wait_replies(count * kill // 8)
            consumer.kill9()
            acknowledged = {r["id"] for p in producers for r in p.acknowledged()}
            whole = self.path.read_bytes().rpartition(b"\n")[0]
            kept = {strict_json(line)["id"] for line in whole.splitlines()}
            self.assertEqual(acknowledged - kept, set())
            consumer = self.jsonl()
        self.assertEqual([producer.wait(4 * DEADLINE) for producer in producers], [0] * 4)
        times = collections.Counter(self.ids())
        self.assertEqual(set(times), {f"{name}-{n}" for name in "abcd" for n in range(count)})
        self.assertEqual({i for i, n in times.items() if n > 1}, set())

    @unittest.skipIf(SANITIZER, "a sanitizer build is too slow to read so many ids in its time")
    def test_ten_gigabytes_of_lines_do_not_delay_the_start(self):
        window = 1_000_000
        with self.path.open("wb") as file:
            file.truncate(10 << 30)  # a hole, before as many lines as are ever read back
            file.seek(0, os.SEEK_END)
            file.write(b"\n")
            for first in range(0, window, 10_000):
                file.write("".join(
                    f'{{"ts":"2026-01-01T00:00:00.000Z","run":"r","batch":1,"producer":"p",'
                    f'"id":"i-{number}","value":1}}\n'
                    for number in range(first, first + 10_000)).encode())
        consumer = self.keep(Consumer("--linger", "0s", "--sink", f"jsonl:{self.path}",
                                      bind=(self.listen_on,)))
        consumer.wait_listening(seconds=2 * SLOW)
        consumer.stderr.wait_for_line(lambda l: f"its last {window} ids are known again" in l)
        dealer = self.dealer(consumer.endpoint)
        for message_id in ("i-0", f"i-{window - 1}"):
            self.assert_duplicate(dealer.ask({"value": 1, "id": message_id}), message_id)
        self.push(dealer, "new")


class Refusals(JsonlCase):

    def refusal(self, path):
        """The only line of a consumer that cannot start."""
        outcome = self.run_to_end("blocky-consumer", "--bind", f"ipc://{self.directory}/other",
                                  "--sink", f"jsonl:{path}")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertEqual(len(outcome.error_lines), 1, outcome)
        return outcome.stderr.strip()

    def test_a_line_that_is_longer_than_any_of_ours_is_refused(self):
        with open(self.path, "wb") as file:
            file.truncate(300 * 2**20)
        outcome = self.run_to_end("blocky-consumer", "--bind", self.listen_on,
                                  "--sink", f"jsonl:{self.path}")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("no line ends in its last 256 MiB", outcome.error_lines[-1])
        self.assertEqual(self.path.stat().st_size, 300 * 2**20)

    def test_a_file_that_another_consumer_writes_is_refused(self):
        consumer = self.jsonl()
        self.assertEqual(self.refusal(self.path), f"blocky-consumer: cannot open {self.path}: "
                         "another consumer holds the lock of this file")
        self.push(self.dealer(consumer.endpoint), "a")

    def test_what_cannot_be_opened_is_named(self):
        os.mkfifo(self.place / "pipe")
        documents = {"document": '{"a":1}', "pretty": '{"a":1,\n"b":2}'}
        for name, text in documents.items():
            (self.place / name).write_text(text, encoding="ascii")
        with (self.place / "image").open("wb") as image:
            image.write(b"one\n")
            image.truncate(1 << 40)
        for path, why in ((self.place / "no" / "file", "No such file or directory"),
                          (self.place, "Is a directory"),
                          (self.place / "pipe", "it is no regular file"),
                          (self.place / "document", "was not written by this sink"),
                          (self.place / "pretty", "was not written by this sink"),
                          (self.place / "image", "no line ends in its last 256 MiB")):
            with self.subTest(path=path):
                refusal = self.refusal(path)
                self.assertIn(str(path), refusal)
                self.assertIn(why, refusal)
        for name, text in documents.items():
            self.assertEqual((self.place / name).read_text(encoding="ascii"), text)
        self.assertEqual((self.place / "image").stat().st_size, 1 << 40)

    def test_without_a_path_it_is_bad_usage(self):
        for spec in ("jsonl", "jsonl:"):
            outcome = self.run_to_end("blocky-consumer", "--sink", spec)
            self.assertEqual((outcome.code, len(outcome.error_lines)), (2, 1), outcome)
            self.assertIn("jsonl:PATH", outcome.stderr)


class Hangup(JsonlCase):

    def test_sighup_opens_the_path_anew_and_keeps_the_ids(self):
        consumer = self.jsonl()
        dealer = self.dealer(consumer.endpoint)
        self.push(dealer, "a", "b")
        old = self.place / "events.jsonl.1"
        self.path.rename(old)
        self.push(dealer, "c")
        self.hang_up(consumer)
        self.push(dealer, "d")
        self.assert_duplicate(dealer.ask({"value": 1, "id": "a"}), "a")
        self.assertEqual((self.ids(old), self.ids()), (["a", "b", "c"], ["d"]))
        self.assertEqual(consumer.stop(), 0)

    def test_the_path_is_locked_again_after_it(self):
        consumer = self.jsonl()
        dealer = self.dealer(consumer.endpoint)
        for turn in range(1, 4):
            self.path.rename(self.place / f"events.jsonl.{turn}")
            self.hang_up(consumer, turn)
            self.push(dealer, str(turn))
        outcome = self.run_to_end("blocky-consumer", "--bind", f"ipc://{self.directory}/other",
                                  "--sink", f"jsonl:{self.path}")
        self.assertEqual(outcome.code, 1, outcome)
        moved = self.run_to_end("blocky-consumer", "--bind", f"ipc://{self.directory}/other",
                                "--batches", "1", "--sink", f"jsonl:{self.place}/events.jsonl.3")
        self.assertEqual(moved.code, 0, moved)

    def test_rotated_again_and_again_under_load_nothing_is_lost_and_nothing_twice(self):
        consumer = self.jsonl()
        producer = self.producer(self.listen_on, "--in-flight", "20")
        for turn in range(10):
            # The new file is there when a message has been stored that was sent after the signal.
            producer.wait_replies(len(producer.replies()) + 50)
            self.path.rename(self.place / f"rotated-{turn}")
            self.hang_up(consumer, turn + 1)
        producer.wait_replies(len(producer.replies()) + 50)
        producer.stop()
        times = collections.Counter(
            i for path in sorted(self.place.iterdir()) for i in self.ids(path))
        self.assertEqual(len(list(self.place.iterdir())), 11)
        self.assertEqual({r["id"] for r in producer.acknowledged()} - set(times), set())
        self.assertEqual({i for i, n in times.items() if n > 1}, set())

    def test_sighup_ends_no_consumer_whatever_its_sink(self):
        consumer = self.batching_consumer(1)
        for turn in range(1, 21):
            self.hang_up(consumer, turn, says="SIGHUP: the sink has no file")
        self.assert_ok(self.req(consumer.endpoint).ask({"value": 1}), result=1)
        self.assertEqual(consumer.stop(), 0)

    def test_sighup_in_a_drain_does_not_end_it(self):
        consumer = self.consumer("--interval", "10m", "--sink", f"jsonl:{self.path}")
        dealer = self.dealer(consumer.endpoint)
        tag = dealer.send({"value": 1, "id": "a"})
        self.assert_held(dealer, tag)
        consumer.pause()
        consumer.send_signal(signal.SIGTERM)
        consumer.send_signal(signal.SIGHUP)
        consumer.resume()
        self.assertEqual(dealer.reply(tag)["status"], "ok")
        self.assertEqual(consumer.wait(), 0)

    def test_sighup_ends_a_producer_as_ever(self):
        producer = self.producer(self.listen_on)
        producer.stderr.wait_until(lambda _: self.handles_stop(producer), what="its signals")
        self.assertEqual(producer.stop(signal.SIGHUP), -signal.SIGHUP)

    @staticmethod
    def handles_stop(child):
        with open(f"/proc/{child.pid}/status", encoding="ascii") as status:
            blocked = int(re.search(r"SigBlk:\s+([0-9a-f]+)", status.read()).group(1), 16)
        return blocked & (1 << (signal.SIGTERM - 1))


class Disk(JsonlCase):

    def assert_goes_on(self, dealer, consumer, tags, ids):
        for tag, message_id in zip(tags, ids):
            reply = dealer.reply(tag, 2 * DEADLINE)
            self.assertEqual((reply["status"], reply["id"]), ("ok", message_id))
        consumer.stderr.wait_for_line(lambda l: "the sink works again" in l)
        self.assertEqual(sum("the sink fails" in l for l in consumer.stderr.all()), 1)

    def wait_failing(self, consumer, why):
        consumer.stderr.wait_for_line(lambda l: "producers stay held" in l and why in l, what=why)

    def hold_then_go_on(self, consumer, why, make_room, size):
        """Messages that do not fit are held, nothing of them stays half, then all are stored."""
        dealer = self.dealer(consumer.endpoint)
        self.push(dealer, "first")
        tags = dealer.send_all({"value": "x" * size, "id": f"big-{n}"} for n in range(3))
        self.wait_failing(consumer, why)
        self.assert_held(dealer, tags[2])
        make_room()
        self.assert_goes_on(dealer, consumer, tags, ["big-0", "big-1", "big-2"])
        self.assertEqual(self.ids(), ["first", "big-0", "big-1", "big-2"])
        self.assertEqual(consumer.stop(), 0)

    def test_at_a_limit_of_the_file_size_producers_are_held_until_it_is_lifted(self):
        consumer = self.jsonl()
        resource.prlimit(consumer.pid, resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))

        def lift():
            resource.prlimit(consumer.pid, resource.RLIMIT_FSIZE,
                             (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        self.hold_then_go_on(consumer, "File too large", lift, 50_000)

    def test_on_a_full_disk_producers_are_held_until_there_is_room(self):
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "blocky-test",
                                str(self.place)], stderr=subprocess.PIPE, check=False)
        if mount.returncode != 0:
            cannot_run(f"no tmpfs can be mounted here: {mount.stderr}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.place)], check=True)
        consumer = self.jsonl()
        filler = self.place / "filler"
        filler.write_bytes(bytes(180_000))
        self.hold_then_go_on(consumer, "No space left on device", filler.unlink, 50_000)

    def test_when_its_directory_is_gone_producers_are_held_until_it_is_back(self):
        consumer = self.jsonl()
        dealer = self.dealer(consumer.endpoint)
        self.push(dealer, "a")
        shutil.rmtree(self.place)
        tag = dealer.send({"value": 1, "id": "b"})
        self.wait_failing(consumer, f"cannot open {self.path}: No such file or directory")
        self.assert_held(dealer, tag)
        self.place.mkdir()
        self.assert_goes_on(dealer, consumer, [tag], ["b"])
        self.assertEqual(self.ids(), ["b"])

    def test_a_file_that_was_removed_is_made_again(self):
        consumer = self.jsonl()
        dealer = self.dealer(consumer.endpoint)
        self.push(dealer, "a")
        self.path.unlink()
        self.push(dealer, "b")
        self.assertEqual(self.ids(), ["b"])
        consumer.stderr.wait_for_line(lambda l: "was removed" in l)

    def test_given_up_a_batch_is_sink_failed_and_sent_again_it_is_there_once(self):
        consumer = self.jsonl("--retry-for", "50ms")
        dealer = self.dealer(consumer.endpoint)
        self.push(dealer, "a")
        shutil.rmtree(self.place)
        self.assert_error(dealer.ask({"value": 1, "id": "b"}), "sink_failed", id="b")
        self.place.mkdir()
        self.push(dealer, "b")
        self.assertEqual(self.ids(), ["b"])


if __name__ == "__main__":
    main()
