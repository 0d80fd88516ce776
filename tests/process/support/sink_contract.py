"""What every sink must do, whatever its engine: the cases of the one contract test.

Mixed into a BlockyCase whose `adapter` is a class of support/sinks.py.
"""

import json
import re
from typing import NamedTuple

from support.settings import DEADLINE, value_bytes
from support.sinks import Stored

FAILS = re.compile("the sink fails")
WORKS_AGAIN = re.compile("the sink works again")
HUGE = value_bytes(2**20 - 200)  # with its envelope this is still below --max-message-bytes

VALUES = [
    # nested as deep as may be
    "[" * 64 + "]" * 64, '{"a":' * 63 + "{}" + "}" * 63, "[" * 63 + '{"deep":null}' + "]" * 63,
    # huge
    json.dumps("x" * HUGE), '"' + "🧮" * (HUGE // 4) + '"', '"' + r"\u0000" * (HUGE // 6) + '"',
    "[" + ",".join(["12345678"] * (HUGE // 9)) + "]",
    # Unicode, as characters and as escapes
    '"Zoë 日本語 🧮 e\u0301 \u202e \u2028 \ufeff \x7f"', r'"\ud83e\uddee \u00e9"',
    '{"🧮":"日本"}',
    # NUL
    r'"\u0000"', r'"a\u0000b"', r'{"a\u0000b":["\u0000\u0000"]}',
    # numbers that a double does not hold, or that it writes in another way
    "1234567890" * 8, "-9223372036854775809", "18446744073709551616", "9007199254740993", "1e308",
    "-1.7976931348623157e308", "5e-324", "1e-999", "-0", "-0.0", "1E+2", "0.1000",
    "3.14159265358979323846264338327950288",
    # what is nothing, nearly nothing or looks like it
    "null", "true", "false", "0", '""', "{}", "[]", '"NULL"', '"null"',
    # spaces and line breaks between tokens, members twice and in their own order
    "[ 1 ,\t2,\r\n 3\n]", '{"z":1,"a":2,"z":3}', '{ "a" : { } }',
    # what engines have a meaning for
    r'"\"\\\/\b\f\n\r\t"', '''"'; DROP TABLE messages; --"''', r'"{a,b}\\\"NULL\\"', '"$1 %s ? :a"',
    '",\\"value\\":1}"', '{"value":1,"id":"inner","producer":"inner"}', '" both ends "',
]

OUTER_SPACES = [" a", "a ", " a ", " "]
NAMES = ["a", "A", *OUTER_SPACES, "é", "e\u0301", "日本🧮", "NULL", "null", "{}", "{a,b}", '"',
         'a"b', "'", "a\\", "\\u0041", "a:b", ",", '","value":', "%s", "$1", "--", "x" * 128,
         "é" * 64, "\u0080", "\u0085", "\u2028", "\ufeff", "0", "-1", "a/b.c*d>e"]


class Sent(NamedTuple):
    """A message of a test, the value as JSON text."""

    id: str
    value: str
    producer: str = "tester"

    def json(self):
        """As it goes over the wire, value for value the text it is."""
        members = {"id": self.id, "producer": self.producer}
        text = [f'"{name}":{json.dumps(m)}' for name, m in members.items() if m is not None]
        return "{" + ",".join([*text, f'"value":{self.value}']) + "}"

    def body(self):
        return self.json().encode()


def numbered(first, last, prefix="id-"):
    return [Sent(f"{prefix}{n}", str(n)) for n in range(first, last + 1)]


def bundle(messages):
    return ('{"messages":[' + ",".join(message.json() for message in messages) + "]}").encode()


class SinkContract:
    """The cases."""

    adapter = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.adapter.require()
        cls.server = cls.adapter.start_server()
        cls.addClassCleanup(cls.adapter.close_server, cls.server)

    def setUp(self):
        super().setUp()
        self.sink = self.adapter(self.directory, self.server)
        self.addCleanup(self.sink.close)

    # Steps

    def open(self, *options):
        """A consumer with this sink, and a client of its own."""
        consumer = self.lingering_consumer("20ms", *self.sink.options, *options)
        return consumer, self.dealer(consumer.endpoint)

    def push(self, dealer, messages):
        """Pushes them as one bundle; one verdict per message, in order."""
        return self.verdicts(dealer.ask(bundle(messages)), messages)

    def verdicts(self, reply, messages):
        """One reply per message out of a bundle's."""
        if reply["status"] == "mixed":
            self.assertEqual(set(reply), {"status", "replies"})
            self.assertEqual(len(reply["replies"]), len(messages))
            return reply["replies"]
        self.assertEqual(reply.pop("count", None), len(messages), reply)
        return [{**reply, "id": message.id} for message in messages]

    def assert_stored(self, reply, message_id):
        """The acknowledgement of a message that the sink has stored now."""
        members = {"status", "id", "batch", "size"} | ({"result"} if self.sink.answers else set())
        self.assertEqual(set(reply), members, reply)
        self.assertEqual((reply["status"], reply["id"]), ("ok", message_id), reply)
        if self.sink.answers:
            self.assertEqual(reply["result"], self.sink.answer(message_id), reply)

    def assert_all_stored(self, replies, messages):
        self.assertEqual(len(replies), len(messages))
        for reply, message in zip(replies, messages):
            self.assert_stored(reply, message.id)

    def assert_known_again(self, replies, messages):
        """All are duplicates; a sink that need not know them again has stored them once more."""
        for reply, message in zip(replies, messages):
            if self.sink.knows_again:
                self.assert_duplicate(reply, message.id)
            else:
                self.assert_stored(reply, message.id)

    def assert_kept(self, *messages):
        """Exactly these are stored, in this order, and each value is the text that was sent."""
        wanted = [Stored(m.id, m.producer, self.kept_text(m.value)) for m in messages]
        stored = self.sink.stored()
        for have, want in zip(stored, wanted):
            self.assertTrue(have == want, f"stored is {str(have)[:300]}, sent was "
                                          f"{str(want)[:300]}")
        self.assertEqual([s.id for s in stored], [w.id for w in wanted])

    def kept_text(self, value):
        if self.sink.keeps_line_breaks:
            return value
        return value.replace("\n", " ").replace("\r", " ")

    # n messages in, n verdicts out, in order

    def test_a_pipelined_client_has_its_verdicts_in_order(self):
        _, dealer = self.open()
        messages = numbered(1, 300)
        tags = dealer.send_all(message.body() for message in messages)
        arrivals = dealer.arrivals(len(tags))
        self.assertEqual([tag for tag, _ in arrivals], tags)
        self.assert_all_stored([reply for _, reply in arrivals], messages)
        self.assert_kept(*messages)

    def test_a_bundle_has_its_verdicts_in_order(self):
        consumer, dealer = self.open()
        messages = numbered(1, 2000)
        self.assert_all_stored(self.push(dealer, messages), messages)
        self.assert_kept(*messages)
        (batch,) = consumer.wait_filled(1)
        self.assertEqual((batch["size"], batch["status"]), (2000, "ok"))

    # Duplicates

    def test_an_id_twice_in_a_batch_is_stored_once(self):
        _, dealer = self.open()
        first, again = numbered(1, 20), [Sent(f"id-{n}", "0") for n in (3, 20, 3)]
        replies = self.push(dealer, first + again)
        self.assert_all_stored(replies[:20], first)
        for reply, message in zip(replies[20:], again):
            self.assertEqual((reply["status"], reply["id"], reply.get("duplicate")),
                             ("ok", message.id, True), reply)
        self.assert_kept(*first)

    def check_duplicates_across_batches(self, *options):
        consumer, dealer = self.open(*options)
        first, half, new = numbered(1, 20), numbered(11, 20), numbered(21, 30)
        self.assert_all_stored(self.push(dealer, first), first)
        replies = self.push(dealer, half + new)
        for reply, message in zip(replies, half):
            self.assert_duplicate(reply, message.id)
        self.assert_all_stored(replies[10:], new)
        for reply, message in zip(self.push(dealer, first), first):
            self.assert_duplicate(reply, message.id)
        self.assert_kept(*first, *new)
        self.assertEqual(consumer.stop(), 0)
        self.assert_kept(*first, *new)

    def test_an_id_again_in_a_later_batch_is_a_duplicate(self):
        self.check_duplicates_across_batches()

    def test_the_sink_knows_ids_that_the_consumer_does_not_remember(self):
        if not self.sink.knows_without_window:
            self.skipTest(f"{self.sink.name} knows no ids that --dedup-window does not cover")
        self.check_duplicates_across_batches("--dedup-window", "0")

    def check_duplicates_across_restart(self, end):
        consumer, dealer = self.open()
        first, new, last = numbered(1, 20), numbered(21, 30), numbered(31, 40)
        self.assert_all_stored(self.push(dealer, first), first)
        end(consumer)
        consumer, dealer = self.open()
        replies = self.push(dealer, first[:15] + new)
        self.assert_known_again(replies[:15], first[:15])
        self.assert_all_stored(replies[15:], new)
        again = [] if self.sink.knows_again else first[:15]
        self.assert_kept(*first, *again, *new)
        self.assert_all_stored(self.push(dealer, last), last)
        self.assert_kept(*first, *again, *new, *last)

    def test_an_id_again_after_a_restart_is_a_duplicate(self):
        self.check_duplicates_across_restart(lambda consumer: self.assertEqual(consumer.stop(), 0))

    def test_an_id_again_after_kill_9_is_a_duplicate(self):
        self.check_duplicates_across_restart(lambda consumer: consumer.kill9())

    # What is refused for good

    def test_one_poisoned_message_among_a_thousand_is_rejected_alone(self):
        if self.sink.poison is None:
            self.skipTest(f"{self.sink.name} refuses nothing for good")
        consumer, dealer = self.open()
        self.sink.refuse_poison()
        messages = numbered(1, 1000)
        messages[616] = Sent("bad", self.sink.poison)
        replies = self.push(dealer, messages)
        self.assert_error(replies[616], "rejected", id="bad")
        self.assertRegex(replies[616]["message"], self.sink.poison_words)
        good = messages[:616] + messages[617:]
        self.assert_all_stored(replies[:616] + replies[617:], good)
        self.assert_kept(*good)
        self.assert_error(self.push(dealer, [messages[616]])[0], "rejected", id="bad")
        after = numbered(1001, 1010)
        self.assert_all_stored(self.push(dealer, after), after)
        self.assert_kept(*good, *after)
        self.assertEqual([b["rejected"] for b in consumer.wait_filled(3)], [1, 1, 0])

    # A failure in the middle

    def test_what_a_failure_interrupts_is_held_and_then_stored_exactly_once(self):
        consumer, dealer = self.open()
        before, while_broken, bundled = numbered(1, 200), numbered(201, 300), numbered(301, 500)
        tags = dealer.send_all(message.body() for message in before)
        dealer.arrivals(50)
        self.sink.break_it(consumer)
        tags = dealer.send_all(message.body() for message in while_broken)
        tags.append(dealer.send(bundle(bundled)))
        failure = consumer.stderr.wait_for_line(FAILS.search, 2 * DEADLINE, what="a failing sink")
        self.assertRegex(failure, self.sink.broken_words)
        dealer.sync()
        self.assertEqual(set(dealer.answered()) & set(tags), set())
        self.sink.mend_it()
        *replies, last = dealer.replies(tags, DEADLINE * self.sink.mending)
        self.assert_all_stored(replies, while_broken)
        self.assert_all_stored(self.verdicts(last, bundled), bundled)
        self.assert_kept(*before, *while_broken, *bundled)
        self.check_said_once(consumer)

    def test_messages_without_id_are_stored_once_in_spite_of_a_failure(self):
        consumer, dealer = self.open()
        self.push(dealer, [Sent(None, "0", None)])
        run = consumer.wait_filled(1)[0]["run"]
        self.sink.break_it(consumer)
        tag = dealer.send(bundle([Sent(None, str(n), None) for n in range(1, 100)]))
        consumer.stderr.wait_for_line(FAILS.search, 2 * DEADLINE, what="a failing sink")
        self.sink.mend_it()
        reply = dealer.reply(tag, DEADLINE * self.sink.mending)
        self.assertIn(reply["status"], ("ok", "mixed"), str(reply)[:300])
        self.assert_kept(*(Sent(f"{run}:{n + 1}", str(n), None) for n in range(100)))

    def check_said_once(self, consumer):
        """The log says that it failed and that it works, once each: not once per try."""
        consumer.stderr.wait_for_line(WORKS_AGAIN.search, what="a sink that works again")
        lines = consumer.stderr.all()
        self.assertEqual([sum(bool(said.search(line)) for line in lines)
                          for said in (FAILS, WORKS_AGAIN)], [1, 1], "\n".join(lines))

    # Values, names, and what is absent

    def test_every_value_is_stored_as_the_text_that_was_sent(self):
        _, dealer = self.open()
        messages = [Sent(f"value-{n}", value) for n, value in enumerate(VALUES)]
        tags = dealer.send_all(message.body() for message in messages)
        self.assert_all_stored(dealer.replies(tags), messages)
        self.assert_kept(*messages)

    def test_ids_and_producers_are_stored_whatever_they_are_made_of(self):
        _, dealer = self.open()
        taken = [name for name in NAMES if self.is_taken(name)]
        messages = [Sent(name, str(n), name) for n, name in enumerate(taken)]
        messages += [Sent(f"of {n}", "1", name) for n, name in enumerate(OUTER_SPACES)]
        self.assert_all_stored(self.push(dealer, messages), messages)
        self.assert_kept(*messages)
        _, dealer = self.open_again()
        self.assert_known_again(self.push(dealer, messages), messages)

    def is_taken(self, name):
        return self.sink.takes_outer_spaces or name not in OUTER_SPACES

    def test_an_id_that_the_sink_cannot_tell_from_another_is_refused_at_once(self):
        if self.sink.takes_outer_spaces:
            self.skipTest(f"{self.sink.name} tells all ids apart")
        _, dealer = self.open()
        for name in OUTER_SPACES:
            self.assert_error(dealer.ask(Sent(name, "1").body()), "bad_request", id=name)
        self.assert_kept()

    def open_again(self):
        """A new consumer in place of the one that runs."""
        self.assertEqual(self.children[-1].stop(), 0)
        return self.open()

    def test_messages_without_producer_and_id_are_stored_once_each(self):
        wanted = []
        for _ in range(2):
            consumer, dealer = self.open()
            for count in (3, 1, 2):
                messages = [Sent(None, '"same"', None)] * count
                for reply in self.push(dealer, messages):
                    self.assertEqual(reply["status"], "ok", reply)
            run = consumer.wait_filled(1)[0]["run"]
            wanted += [Sent(f"{run}:{n}", '"same"', None) for n in range(1, 7)]
            self.assertEqual(consumer.stop(), 0)
        self.assert_kept(*wanted)
