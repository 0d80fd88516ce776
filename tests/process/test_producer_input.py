"""What blocky-producer makes of its input: lines of JSON, other lines, empty, broken and huge ones,
ids.

A fake consumer shows the requests as they went over the wire; a real one shows what came of them.
"""

import json
import unittest

from support.case import BlockyCase
from support.settings import scaled

MEBIBYTE = 2**20


class Input(BlockyCase):

    def sent(self, text, count, *options, code=0):
        """The requests that a producer makes of a file, all acknowledged; and its stderr."""
        fake = self.fake_consumer()
        producer = self.producer(fake.endpoint, "--input", self.input_file(text), *options)
        requests = fake.serve(count)
        self.assertEqual(producer.wait(), code, producer.stderr.all())
        return requests, "\n".join(producer.stderr.all())

    def values(self, text, count, *options, code=0):
        return [request.value for request in self.sent(text, count, *options, code=code)[0]]


class Lines(Input):

    def test_a_line_that_is_json_is_sent_as_that_and_any_other_as_a_string(self):
        lines = [
            "1", "-2.5", '"text"', "null", "true", '{"a": [1, {"b": null}]}', "[]", "plain text",
            "{broken", "1 2", "01", "NaN", 'quote " and \\ and é', "\ttab\tinside",
        ]
        expected = [
            1, -2.5, "text", None, True, {"a": [1, {"b": None}]}, [], "plain text", "{broken",
            "1 2", "01", "NaN", 'quote " and \\ and é', "\ttab\tinside",
        ]
        self.assertEqual(self.values("\n".join(lines) + "\n", len(lines)), expected)

    def test_raw_sends_every_line_as_a_string(self):
        lines = ["1", '"text"', "null", '{"a":1}', "plain"]
        self.assertEqual(self.values("\n".join(lines) + "\n", 5, "--raw"), lines)

    def test_empty_lines_are_skipped_and_a_carriage_return_at_the_end_is_cut(self):
        self.assertEqual(self.values("1\r\n\r\n\n2\n\n\nthree\r\n\n", 3), [1, 2, "three"])
        self.assertEqual(self.values("a\rb\r\n\r\n", 1, "--raw"), ["a\rb"])

    def test_the_last_line_needs_no_line_feed(self):
        self.assertEqual(self.values("1\n2", 2), [1, 2])
        self.assertEqual(self.values("1\nlast\r", 2), [1, "last"])

    def test_an_empty_input_is_done_at_once(self):
        for text in ("", "\n", "\r\n\n\r\n"):
            self.assertEqual(self.values(text, 0), [])

    def test_count_stops_before_the_end_of_the_input(self):
        self.assertEqual(self.values("1\n2\n3\n4\n", 2, "--count", "2"), [1, 2])

    def test_a_line_of_invalid_utf_8_is_reported_and_skipped(self):
        requests, stderr = self.sent(b"1\n\xff\xfe\n2\nab\xc3\n\"\xed\xa0\x80\"\n3\n", 3, code=3)
        self.assertEqual([request.value for request in requests], [1, 2, 3])
        self.assertGreaterEqual(len(stderr.splitlines()), 3)
        self.assertIn("UTF-8", stderr)

    def test_a_line_over_the_limit_is_reported_and_skipped(self):
        text = "1\n" + "x" * MEBIBYTE + "\n" + "[" + "1," * MEBIBYTE + "1]\n" + "2\n"
        requests, stderr = self.sent(text, 2, code=3)
        self.assertEqual([request.value for request in requests], [1, 2])
        self.assertGreaterEqual(len(stderr.splitlines()), 2)
        self.assertLess(len(stderr), 2000)

    def test_a_line_of_a_million_bytes_is_sent_whole(self):
        line = "x" * 1_000_000
        self.assertEqual(self.values(f"1\n{line}\n2\n", 3), [1, line, 2])

    def test_nul_bytes_and_control_characters_in_a_line_arrive_as_they_are(self):
        self.assertEqual(self.values(b"a\0b\n\x01\x1f\x7f\n", 2), ["a\0b", "\x01\x1f\x7f"])

    def test_a_line_nested_too_deep_costs_only_itself(self):
        """Whatever is made of it (a refusal here, or a string), the lines around it go through."""
        deep = "[" * 100_000 + "]" * 100_000
        consumer = self.batching_consumer(1)
        path = self.input_file(f"1\n{deep}\n2\n")
        producer = self.producer(consumer.endpoint, "--input", path)
        self.assertEqual(producer.wait(), 3)
        self.assertEqual([b["summary"] for b in self.end(consumer)], [1, 2])


class IntoSum(Input):
    """The same into a real consumer, whose batches hold one message each."""

    def push(self, *options, **how):
        consumer = self.batching_consumer(1)
        producer = self.producer(consumer.endpoint, *options, **how)
        code = producer.wait()
        stderr = producer.stderr.all()
        return code, [b["summary"] for b in self.end(consumer)], producer, stderr

    def test_seq_into_a_pipe_works(self):
        count = scaled(1000)
        pipe = self.input_pipe("seq", "1", str(count))
        code, values, producer, stderr = self.push("--input", "-", stdin=pipe)
        self.assertEqual((code, values, stderr), (0, list(range(1, count + 1)), []))
        self.assertEqual(len(producer.replies()), count)

    def test_a_line_of_a_million_bytes_that_is_a_number_is_summed(self):
        text = "1\n" + " " * 999_998 + "41\n" + "2\n"
        code, values, _, _ = self.push("--input", self.input_file(text))
        self.assertEqual((code, values), (0, [1, 41, 2]))

    def test_numbers_arrive_exactly_as_they_were_written(self):
        lines = [
            "123456789012345678901234567890", "-170141183460469231731687303715884105728", "1.0",
            "1e2", "0.1", "9007199254740993", "18446744073709551616",
        ]
        code, values, _, _ = self.push("--input", self.input_file("\n".join(lines)))
        self.assertEqual(code, 0)
        self.assertEqual([(type(v), v) for v in values],
                         [(type(v), v) for v in map(json.loads, lines)])

    def test_what_sum_refuses_is_reported_and_skipped_and_the_exit_is_3(self):
        text = '1\nno number\n2\n"3"\n4\n1e999\n5\n[]\n'
        code, values, producer, stderr = self.push("--input", self.input_file(text))
        self.assertEqual((code, values), (3, [1, 2, 4, 5]))
        self.assertGreaterEqual(len(stderr), 4)
        refused = [r for r in producer.replies() if r["status"] == "error"]
        self.assertEqual({r["code"] for r in refused} or {"bad_request"}, {"bad_request"})

    def test_count_is_of_acknowledged_messages(self):
        text = "1\nno number\n2\n3\n4\n"
        code, values, _, _ = self.push("--count", "3", "--input", self.input_file(text))
        self.assertEqual((code, values), (3, [1, 2, 3]))


class Ids(Input):

    def ids(self, text, count, *options, code=0):
        return [request.id for request in self.sent(text, count, *options, code=code)[0]]

    def test_without_an_id_field_ids_are_name_session_and_number(self):
        runs = [self.ids("5\n6\n7\n", 3, "--name", "me") for _ in range(2)]
        for ids in runs:
            parts = [message_id.split(":") for message_id in ids]
            self.assertEqual({len(part) for part in parts}, {3})
            self.assertEqual({part[0] for part in parts}, {"me"})
            numbers = [int(part[2]) for part in parts]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 3)))
        self.assertFalse(set(runs[0]) & set(runs[1]), "two sessions share ids")

    def test_the_id_field_may_be_a_string_or_a_number_by_its_text(self):
        text = '{"id":"a-1"}\n{"id":17}\n{"id":-1.50}\n{"id":1e3}\n{"id":"é\\u00e9"}\n' \
               '{"id":12345678901234567890123}\n'
        self.assertEqual(self.ids(text, 6, "--id-field", "/id"),
                         ["a-1", "17", "-1.50", "1e3", "éé", "12345678901234567890123"])

    def test_the_value_is_the_whole_line(self):
        values = self.values('{"id":"a","n":[1,2]}\n', 1, "--id-field", "/id")
        self.assertEqual(values, [{"id": "a", "n": [1, 2]}])

    def test_the_pointer_may_be_nested_and_escaped(self):
        self.assertEqual(self.ids('{"meta":{"key":"k"}}\n', 1, "--id-field", "/meta/key"), ["k"])
        line = '{"a":[{"id":"x"},{"id":"y"}]}\n'
        self.assertEqual(self.ids(line, 1, "--id-field", "/a/1/id"), ["y"])
        self.assertEqual(self.ids('{"a/b":{"m~n":"z"}}\n', 1, "--id-field", "/a~1b/m~0n"), ["z"])

    def test_a_line_without_the_field_is_reported_and_skipped(self):
        bad = ['{"other":1}', "[]", "5", "plain text", '{"id":null}', '{"id":{"x":1}}', '{"id":[]}',
               '{"id":true}', '{"id":""}', '{"id":"%s"}' % ("x" * 129)]
        text = '{"id":"a"}\n' + "\n".join(bad) + '\n{"id":"b"}\n'
        requests, stderr = self.sent(text, 2, "--id-field", "/id", code=3)
        self.assertEqual([request.id for request in requests], ["a", "b"])
        self.assertGreaterEqual(len(stderr.splitlines()), len(bad))

    def test_a_second_run_over_the_same_file_counts_nothing_twice(self):
        """Duplicates are acknowledgements: the second run ends well, and prints them."""
        fake = self.fake_consumer()
        path = self.input_file('{"id":"a"}\n{"id":"b"}\n')
        first = self.producer(fake.endpoint, "--input", path, "--id-field", "/id")
        known = {request.id for request in fake.serve(2)}
        self.assertEqual(first.wait(), 0)
        second = self.producer(fake.endpoint, "--input", path, "--id-field", "/id")
        for _ in range(2):
            request = fake.receive()
            self.assertIn(request.id, known)
            fake.reply(request, {"status": "ok", "id": request.id, "duplicate": True})
        self.assertEqual(second.wait(), 0)
        self.assertEqual([r["duplicate"] for r in second.replies()], [True, True])


if __name__ == "__main__":
    unittest.main()
