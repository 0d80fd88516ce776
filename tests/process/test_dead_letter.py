"""Rejected messages: kept in the dead-letter file before the producer is told, and sent again.

The sink `sum` rejects what would take a batch's total past 128 bits.
"""

import json
import pathlib
import unittest

from support.case import BlockyCase
from support.settings import scaled
from support.strict_json import strict_json

MAX = 2**127 - 1


class DeadLetters(BlockyCase):

    def setUp(self):
        super().setUp()
        self.path = self.directory / "dead.jsonl"

    def letters(self, path=None):
        text = pathlib.Path(path or self.path).read_text()
        self.assertTrue(text == "" or text.endswith("\n"))
        return [strict_json(line) for line in text.splitlines()]

    def rejecting_consumer(self, *options, items=2):
        return self.batching_consumer(items, "--dead-letter", str(self.path), *options)

    def reject(self, consumer, *bodies):
        """Has these bodies rejected, in one batch behind a message that leaves them no room."""
        dealer = self.dealer(consumer.endpoint)
        replies = dealer.replies(dealer.send_all([{"value": MAX}, *bodies]))
        self.assertEqual(replies[0]["status"], "ok")
        for reply in replies[1:]:
            self.assert_error(reply, "rejected")
        return replies[1:]

    def write_letters(self, *payloads):
        lines = [json.dumps({"ts": "2026-11-23T11:30:01.000Z", "run": "r", "error": "no",
                             "producer": None, "batch": 1, "attempts": 1, "payload": payload})
                 for payload in payloads]
        self.path.write_text("".join(line + "\n" for line in lines))

    def replay(self, endpoint, *options, code=0, path=None):
        """Replays a file to the end: the producer. The file must stay as it is."""
        path = path or self.path
        before = path.read_bytes()
        producer = self.producer(endpoint, "--replay", str(path), *options)
        self.assertEqual(producer.wait(), code, producer.stderr.all())
        self.assertEqual(path.read_bytes(), before)
        return producer


class Kept(DeadLetters):

    def test_a_rejected_message_is_kept_with_all_that_the_contract_names(self):
        consumer = self.rejecting_consumer()
        reply, = self.reject(consumer, {"value": 1, "id": "a", "producer": "pé"})
        letter, = self.letters()
        self.assertEqual(list(letter), ["ts", "run", "error", "producer", "batch", "attempts",
                                        "payload"])
        batch = consumer.wait_filled(1)[0]
        self.assertEqual(letter["error"], reply["message"])
        self.assertEqual(letter["producer"], "pé")
        self.assertEqual(letter["attempts"], 1)
        self.assertEqual((letter["batch"], letter["run"]), (batch["batch"], batch["run"]))
        self.assertRegex(letter["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(letter["payload"], {"value": 1, "id": "a", "producer": "pé"})
        self.assertEqual(batch["rejected"], 1)

    def test_without_producer_and_id_there_is_null_and_the_id_of_the_run(self):
        consumer = self.rejecting_consumer()
        self.reject(consumer, b'{"value":  100000000000000000001}')
        letter, = self.letters()
        self.assertIsNone(letter["producer"])
        self.assertEqual(letter["payload"], {"value": 10**20 + 1, "id": letter["run"] + ":2"})
        self.assertIn('{"value":100000000000000000001,"id":', self.path.read_text())

    def test_what_is_refused_at_receipt_or_accepted_is_not_kept(self):
        consumer = self.rejecting_consumer(items=1)
        req = self.req(consumer.endpoint)
        self.assert_error(req.ask({"value": "text"}), "bad_request")
        self.assert_error(req.ask(b"no JSON"), "bad_request")
        self.assert_ok(req.ask({"value": 1}))
        self.assertEqual(self.letters(), [])

    def test_what_a_bundle_has_rejected_is_kept_in_order(self):
        consumer = self.rejecting_consumer(items=4)
        reply = self.req(consumer.endpoint).ask({"producer": "p", "messages": [
            {"value": MAX}, {"value": 1, "id": "a"}, {"value": -1, "id": "b"},
            {"value": 2, "id": "c"}]})
        self.assertEqual([member["status"] for member in reply["replies"]],
                         ["ok", "error", "ok", "error"])
        self.assertEqual([letter["payload"] for letter in self.letters()],
                         [{"value": 1, "id": "a", "producer": "p"},
                          {"value": 2, "id": "c", "producer": "p"}])

    def test_a_file_that_is_moved_away_is_begun_anew_by_itself(self):
        consumer = self.rejecting_consumer()
        self.reject(consumer, {"value": 1, "id": "a"})
        moved = self.path.rename(self.directory / "moved")
        self.reject(consumer, {"value": 1, "id": "b"})
        self.assertEqual([letter["payload"]["id"] for letter in self.letters(moved)], ["a"])
        self.assertEqual([letter["payload"]["id"] for letter in self.letters()], ["b"])

    def test_after_a_crash_the_torn_line_is_cut_and_the_file_goes_on(self):
        consumer = self.rejecting_consumer()
        self.reject(consumer, {"value": 1, "id": "a"})
        consumer.kill9()
        whole = self.path.read_bytes()
        self.path.write_bytes(whole + whole[:100])
        consumer = self.rejecting_consumer()
        consumer.stderr.wait_for_line(lambda line: "100 bytes are cut off" in line)
        self.reject(consumer, {"value": 1, "id": "b"})
        self.assertEqual([letter["payload"]["id"] for letter in self.letters()], ["a", "b"])

    def break_file(self):
        """Nothing can be kept from now on: a directory has the file's name."""
        self.path.unlink()
        self.path.mkdir()

    def test_while_the_file_cannot_be_written_producers_stay_held_and_others_are_heard(self):
        consumer = self.rejecting_consumer()
        self.break_file()
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all([{"value": MAX}, {"value": 1, "id": "a"}])
        consumer.stderr.wait_for_line(lambda line: "the dead-letter file fails" in line)
        dealer.sync()
        self.assertEqual(dealer.answered(), [])
        self.path.rmdir()
        replies = dealer.replies(tags)
        self.assertEqual(replies[0]["status"], "ok")
        self.assert_error(replies[1], "rejected")
        self.assertEqual([letter["payload"]["id"] for letter in self.letters()], ["a"])
        consumer.stderr.wait_for_line(lambda line: "the dead-letter file works again" in line)
        said = [line for line in consumer.stderr.all() if "the dead-letter file" in line]
        self.assertEqual(len(said), 2, said)

    def test_what_cannot_be_kept_within_retry_for_is_to_be_sent_again(self):
        consumer = self.rejecting_consumer("--retry-for", "50ms")
        self.break_file()
        dealer = self.dealer(consumer.endpoint)
        ok, failed = dealer.replies(dealer.send_all([{"value": MAX}, {"value": 1, "id": "a"}]))
        self.assertEqual(ok["status"], "ok")
        self.assert_error(failed, "sink_failed", id="a")
        consumer.stderr.wait_for_line(
            lambda line: "--retry-for" in line and "given up" in line and "safe" in line)
        self.path.rmdir()
        self.reject(consumer, {"value": 1, "id": "a"})
        self.assertEqual(len(self.letters()), 1)


class Refused(DeadLetters):

    def assert_refused(self, path, *words):
        outcome = self.run_to_end("blocky-consumer", "--bind", "tcp://127.0.0.1:*",
                                  "--dead-letter", str(path))
        self.assertEqual(outcome.code, 1, outcome)
        line, = outcome.error_lines
        for word in (str(path), *words):
            self.assertIn(word, line)

    def test_a_file_that_cannot_be_used_ends_the_start_with_one_sentence(self):
        self.assert_refused(self.directory, "directory")
        self.assert_refused(self.directory / "absent" / "dead", "No such file")
        self.assert_refused("/dev/null", "no regular file")
        self.assert_refused(self.input_file("precious"), "last line")

    def test_a_second_consumer_cannot_have_the_file(self):
        self.rejecting_consumer()
        self.assert_refused(self.path, "another consumer")

    def test_a_file_to_replay_that_cannot_be_read_is_bad_usage(self):
        outcome = self.run_to_end("blocky-producer", "--replay", str(self.path))
        self.assertEqual(outcome.code, 2)
        line, = outcome.error_lines
        self.assertIn("--replay", line)
        self.assertIn("accepts", line)


class Replayed(DeadLetters):

    def test_a_full_round_rejected_kept_and_accepted(self):
        consumer = self.rejecting_consumer(items=4)
        self.reject(consumer, {"value": 5, "id": "a", "producer": "p"}, {"value": 6},
                    {"value": 7, "id": "c"})
        moved = self.path.rename(self.directory / "moved")
        consumer = self.consumer("--interval", "10m", "--max-items", "3")
        producer = self.replay(consumer.endpoint, "--in-flight", "10", path=moved)
        self.assertEqual([reply["id"] for reply in producer.acknowledged()],
                         [letter["payload"]["id"] for letter in self.letters(moved)])
        batch = consumer.wait_filled(1)[0]
        self.assertEqual((batch["size"], batch["summary"]), (3, 18))
        again = self.replay(consumer.endpoint, path=moved)  # a second time does nothing
        self.assertTrue(all(reply["duplicate"] for reply in again.acknowledged()))
        self.assertEqual(len(again.acknowledged()), 3)

    PAYLOADS = [{"value": {"a": [1, None]}, "id": "x", "producer": "p\"é"}, {"value": 2, "id": "y"},
                {"value": "three", "id": "z", "producer": "q"}]

    def test_each_message_goes_out_with_its_own_id_and_producer_or_none(self):
        for options in ((), ("--in-flight", "3"), ("--in-flight", "3", "--bundle", "3")):
            with self.subTest(options=options):
                self.write_letters(*self.PAYLOADS)
                fake = self.fake_consumer()
                producer = self.producer(fake.endpoint, "--replay", str(self.path), *options)
                sent = []
                while len(sent) < 3:
                    request = fake.receive()
                    members = request.members.get("messages", [request.members])
                    sent += members
                    if "messages" in request.members:
                        self.assertEqual(list(request.members), ["messages"])
                        fake.reply(request, {"status": "ok", "count": len(members), "batch": 1,
                                             "size": 3})
                    else:
                        fake.ok(request)
                self.assertEqual(sent, self.PAYLOADS)
                self.assertEqual(producer.wait(), 0)

    def test_a_payload_without_an_id_gets_one_of_its_own(self):
        self.write_letters({"value": 1}, {"value": 2})
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--replay", str(self.path))
        first, second = fake.serve(2)
        self.assertEqual(producer.wait(), 0)
        self.assertNotEqual(first.id, second.id)
        self.assertTrue(first.id.endswith(":1"))

    def test_many_go_in_order_in_bundles_and_a_copy_waits_for_no_timeout(self):
        count = scaled(5000)
        payloads = [{"value": n, "id": f"i{n}", "producer": f"p{n % 7}"} for n in range(count)]
        payloads += payloads[-3:] + payloads[-3:]
        self.write_letters(*payloads)
        consumer = self.lingering_consumer("0s")
        producer = self.replay(consumer.endpoint, "--in-flight", "1000", "--bundle", "100",
                               "--timeout", "10m")
        replies = producer.acknowledged()
        self.assertEqual([reply["id"] for reply in replies], [p["id"] for p in payloads])
        self.assertEqual(sum(reply.get("duplicate", False) for reply in replies), 6)
        self.assertEqual(sum(batch["summary"] for batch in self.end(consumer)), sum(range(count)))

    def test_broken_lines_are_named_and_skipped_and_the_run_says_3(self):
        self.write_letters({"value": 1, "id": "a"}, {"id": "b"}, {"value": 3, "id": "c"})
        self.path.write_text("plain\n" + self.path.read_text() + '{"ts":"2026","payload":{"va')
        consumer = self.lingering_consumer("0s")
        for options in ((), ("--in-flight", "10")):
            with self.subTest(options=options):
                producer = self.replay(consumer.endpoint, *options, code=3)
                self.assertEqual([reply["id"] for reply in producer.acknowledged()], ["a", "c"])
                errors = [line for line in producer.stderr.all() if "not acknowledged" in line]
                self.assertEqual(len(errors), 3, errors)
                for number, line in zip((1, 3, 5), errors):
                    self.assertIn(f"line {number} ", line)

    def test_what_is_rejected_again_is_kept_again_and_the_replay_ends(self):
        # Whole batches of the same: the second message of each has no room.
        self.write_letters(*({"value": MAX, "id": f"i{n}"} for n in range(10)))
        before = self.path.read_bytes()
        consumer = self.rejecting_consumer()
        producer = self.producer(consumer.endpoint, "--replay", str(self.path), "--in-flight", "2")
        self.assertEqual(producer.wait(), 3)
        self.assertEqual(len(producer.replies()), 10)
        self.assertTrue(self.path.read_bytes().startswith(before))
        self.assertEqual([letter["payload"]["id"] for letter in self.letters()[10:]],
                         [f"i{n}" for n in range(1, 10, 2)])

    def test_count_and_rate_hold_for_a_replay(self):
        self.write_letters(*({"value": n, "id": f"i{n}"} for n in range(5)))
        consumer = self.lingering_consumer("0s")
        producer = self.replay(consumer.endpoint, "--count", "2", "--rate", "100")
        self.assertEqual([reply["id"] for reply in producer.acknowledged()], ["i0", "i1"])

    def test_a_file_is_read_from_stdin_too(self):
        self.write_letters(*self.PAYLOADS)
        fake = self.fake_consumer()
        with self.path.open("rb") as stdin:
            producer = self.producer(fake.endpoint, "--replay", "-", stdin=stdin)
        fake.serve(3)
        self.assertEqual(producer.wait(), 0)


if __name__ == "__main__":
    unittest.main()
