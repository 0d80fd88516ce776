"""The sink `exec`: any command gets each batch as a line of JSON, and what it answers goes back to
the producers. It may die, hang or talk nonsense; the producers are held until it does its work.
"""

import json
import os
import select
import signal
import unittest

from support.case import BlockyCase
from support.child import Child, program
from support.programs import LISTENING
from support.settings import DEADLINE, value_bytes

PYTHON = "/usr/bin/python3"

# What the commands of these tests are written in; the directory of the test is `here`.
PRELUDE = """
import json, os, signal, sys, time
here = sys.argv[1] + "/"

def batches():
    for line in sys.stdin.buffer:
        yield json.loads(line)

def answer(**members):
    print(json.dumps(members), flush=True)

def ok(batch, result=lambda message: message["value"]):
    answer(results=[{"ok": True, "result": result(m)} for m in batch["messages"]])

def first_time(name):
    try:
        os.close(os.open(here + name, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False

def say(text):
    print(text, file=sys.stderr, flush=True)

def wait_for(name):
    with open(here + name, "rb", buffering=0) as gate:
        gate.read(1)

def hang():
    while True:
        signal.pause()
"""


def process_ends(descriptor):
    """Whether the process of this pidfd ends before the deadline."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(DEADLINE * 1000))


class Exec(BlockyCase):

    def spec(self, script):
        path = self.directory / "command.py"
        path.write_text(PRELUDE + script)
        return f"exec:{PYTHON} '{path}' \"{self.directory}\""

    def exec_consumer(self, script, *options, items=1, **how):
        return self.batching_consumer(items, "--sink", self.spec(script), *options, **how)

    def gate(self, name):
        """Opens, when it is called, what commands wait_for(name)."""
        path = self.directory / name
        os.mkfifo(path)
        fifo = os.open(path, os.O_RDWR)  # so that neither side waits for the other to open it
        self.addCleanup(os.close, fifo)
        return lambda: os.write(fifo, b"." * 100)  # a byte for each time that it is waited for

    def said(self, consumer, text):
        """Waits for a line of the command's stderr in the consumer's; its process id."""
        line = consumer.stderr.wait_for_line(lambda l: "exec[" in l and l.endswith(f"]: {text}"))
        return int(line.partition("exec[")[2].partition("]")[0])

    # Answers

    def test_every_producer_gets_its_own_result_and_the_bad_one_is_rejected(self):
        consumer = self.exec_consumer("""
for batch in batches():
    answer(results=[{"ok": True, "result": [m["id"], m["producer"], m["value"]]}
                    if m["value"] != "bad" else {"ok": False, "error": "it is bad"}
                    for m in batch["messages"]])
""", items=4)
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all([{"value": 1, "id": "a", "producer": "p"}, {"value": "bad"},
                                {"value": [1, {"k": "\u2028\0"}]},
                                b'{"value":{"n":\n1.50},"id":"b"}'])
        replies = dealer.replies(tags)
        self.assert_ok(replies[0], size=4, result=["a", "p", 1], id="a")
        self.assert_error(replies[1], "rejected", message="it is bad")
        self.assertRegex(replies[2]["result"][0], r"^[0-9a-f]{16}:3$")
        self.assertEqual(replies[2]["result"][1:], [None, [1, {"k": "\u2028\0"}]])
        self.assert_ok(replies[3], size=4, result=["b", None, {"n": 1.5}], id="b")
        batch = consumer.wait_filled(1)[0]
        self.assertEqual(batch["summary"], {"processed": 3, "duplicates": 0})
        self.assertEqual((batch["status"], batch["rejected"]), ("ok", 1))

    def test_real_producers_get_their_results(self):
        spec = self.spec('for batch in batches(): ok(batch, lambda m: m["value"] * 2)')
        consumer = self.lingering_consumer("1ms", "--sink", spec)
        producers = [self.producer(consumer.endpoint, "--count", "50") for _ in range(4)]
        for producer in producers:
            self.assertEqual(producer.wait(), 0)
            self.assertEqual([reply["result"] for reply in producer.replies()],
                             [2 * n for n in range(1, 51)])

    def test_a_command_may_say_that_it_had_a_message_before(self):
        consumer = self.exec_consumer("""
known = set()
for batch in batches():
    results = []
    for m in batch["messages"]:
        results.append({"ok": True, "duplicate": m["id"] in known})
        known.add(m["id"])
    answer(results=results)
""", "--dedup-window", "0")
        req = self.req(consumer.endpoint)
        self.assertEqual(req.ask({"value": 1, "id": "a"})["size"], 1)
        self.assert_duplicate(req.ask({"value": 1, "id": "a"}), "a")

    def test_a_permanent_error_is_cut_down_to_the_message_at_fault(self):
        consumer = self.exec_consumer("""
for batch in batches():
    if any(m["value"] == 13 for m in batch["messages"]):
        answer(error="no thirteens", retry=False)
    else:
        ok(batch)
""", items=100)
        dealer = self.dealer(consumer.endpoint)
        replies = dealer.replies(dealer.send_all({"value": n} for n in range(100)))
        self.assert_error(replies.pop(13), "rejected", message="no thirteens")
        for reply in replies:
            self.assert_ok(reply, size=100)

    def test_a_batch_of_many_megabytes_goes_both_ways(self):
        consumer = self.exec_consumer("for batch in batches(): ok(batch)", items=15)
        dealer = self.dealer(consumer.endpoint)
        values = [chr(ord("a") + n) * value_bytes(1_000_000) for n in range(15)]
        replies = dealer.replies(dealer.send_all({"value": value} for value in values))
        self.assertEqual([reply["result"] for reply in replies], values)

    # Failures

    def assert_recovers(self, script, reason, *options):
        """The first try fails for that reason; then the same batch succeeds in another process."""
        consumer = self.exec_consumer(script, *options, items=2)
        dealer = self.dealer(consumer.endpoint)
        for reply in dealer.replies(dealer.send_all([{"value": 1}, {"value": 2}])):
            self.assert_ok(reply, size=2, batch=2)
        line = consumer.stderr.wait_for_line(lambda l: "the sink fails" in l)
        self.assertIn(reason, line)
        consumer.stderr.wait_for_line(lambda l: "the sink works again" in l)
        return consumer

    def test_death_in_the_middle_of_a_batch(self):
        self.assert_recovers("""
for batch in batches():
    if first_time("tried"):
        os._exit(7)
    ok(batch)
""", "has ended (exit status 7)")

    def test_an_answer_that_does_not_come(self):
        self.assert_recovers("""
for batch in batches():
    if first_time("tried"):
        hang()
    ok(batch)
""", "did not answer within 1.5 s", "--exec-timeout", "1500ms")

    def test_one_that_is_stopped_is_killed_when_its_time_is_over(self):
        consumer = self.exec_consumer("for batch in batches(): ok(batch, lambda m: os.getpid())",
                                      "--exec-timeout", "1500ms")
        req = self.req(consumer.endpoint)
        pid = req.ask({"value": 1})["result"]
        descriptor = os.pidfd_open(pid)
        self.addCleanup(os.close, descriptor)
        os.kill(pid, signal.SIGSTOP)
        self.assertNotEqual(req.ask({"value": 1})["result"], pid)
        consumer.stderr.wait_for_line(lambda l: "did not answer within 1.5 s" in l)
        self.assertTrue(process_ends(descriptor))

    def test_one_that_closes_its_stdout_and_lives_on(self):
        self.assert_recovers("""
for batch in batches():
    if first_time("tried"):
        os.close(1)
        hang()
    ok(batch)
""", "has closed its stdout")

    def test_garbage(self):
        self.assert_recovers("""
for batch in batches():
    if first_time("tried"):
        print("Traceback", flush=True)
    else:
        ok(batch)
""", "has answered Traceback (not JSON")

    def test_a_banner_is_quoted(self):
        self.assert_recovers("""
for batch in batches():
    if first_time("tried"):
        print("Loading the model", flush=True)
    ok(batch)
""", "Loading the model")

    def test_too_few_results(self):
        self.assert_recovers("""
for batch in batches():
    if first_time("tried"):
        answer(results=[])
    else:
        ok(batch)
""", "has given 0 results for 2 messages")

    def test_one_line_too_many_shifts_no_answer_to_another_batch(self):
        """As fast as it goes, so that a late line meets the next batch now and then."""
        consumer = self.exec_consumer("""
for batch in batches():
    members = {"batch": batch["batch"],
               "results": [{"ok": True, "result": m["value"]} for m in batch["messages"]]}
    answer(**members)
    if batch["messages"][0]["value"] % 40 == 5 and first_time(str(batch["batch"])):
        time.sleep(0.002)
        answer(**members)
""")
        dealer = self.dealer(consumer.endpoint)
        replies = dealer.replies(dealer.send_all({"value": n} for n in range(200)))
        self.assertEqual([reply["result"] for reply in replies], list(range(200)))

    def test_an_error_of_its_own(self):
        consumer = self.assert_recovers("""
for batch in batches():
    if first_time("tried"):
        answer(error="the disk is full", retry=True)
    else:
        ok(batch)
""", "the disk is full")
        self.assertEqual(consumer.stop(), 0)

    def test_a_failure_past_retry_for_is_sink_failed_with_the_reason(self):
        consumer = self.exec_consumer("for batch in batches(): answer(error='no room')",
                                      "--retry-for", "200ms")
        reply = self.req(consumer.endpoint).ask({"value": 1})
        self.assert_error(reply, "sink_failed")
        self.assertRegex(reply["message"], '^the command ".*" says: no room$')

    def test_a_command_that_dies_in_idleness_is_there_for_the_next_batch(self):
        consumer = self.exec_consumer("for batch in batches(): ok(batch, lambda m: os.getpid())")
        req = self.req(consumer.endpoint)
        pid = req.ask({"value": 1})["result"]
        os.kill(pid, signal.SIGKILL)
        consumer.stderr.wait_for_line(lambda l: "has ended (signal 9 (SIGKILL))" in l)
        self.assertNotEqual(req.ask({"value": 1})["result"], pid)
        self.assertFalse([l for l in consumer.stderr.all() if "the sink fails" in l])

    def test_what_it_says_of_a_bad_message_is_one_printable_line_wherever_it_goes(self):
        path = self.directory / "dead"
        consumer = self.exec_consumer("""
for batch in batches():
    answer(results=[{"ok": False, "error": "\\x1b[31mred\\0\\n" + "x" * 3000000}])
""", "--dead-letter", str(path))
        producer = self.producer(consumer.endpoint, "--input", self.input_file("1\n"), log="text")
        self.assertEqual(producer.wait(), 3)
        letter, = map(json.loads, path.read_text("utf-8").splitlines())
        for text in (letter["error"], *producer.stdout.all(), *producer.stderr.all()):
            self.assertIn("?[31mred? x", text)
            self.assertTrue(text.isprintable())
            self.assertLess(len(text), 1300)
        self.assertEqual((len(producer.stdout.all()), len(producer.stderr.all())), (1, 1))

    # stderr

    def test_what_it_writes_to_stderr_is_in_the_log_with_a_prefix(self):
        consumer = self.exec_consumer("""
say("before any batch")
for batch in batches():
    say("\\x1b[1mbold")
    ok(batch, lambda m: os.getpid())
    say("after the answer")
sys.stderr.write("the end")
""")
        pid = self.said(consumer, "before any batch")
        self.assertEqual(self.req(consumer.endpoint).ask({"value": 1})["result"], pid)
        self.said(consumer, "?[1mbold")
        self.said(consumer, "after the answer")
        self.assertEqual(consumer.stop(), 0)
        self.said(consumer, "the end")

    # Start

    def test_a_command_that_cannot_be_executed_ends_the_consumer_at_once(self):
        outcome = self.run_to_end("blocky-consumer", "--sink", "exec:/no/such-command -x")
        self.assertEqual(outcome.code, 1)
        self.assertEqual(outcome.error_lines, [
            'blocky-consumer: the command "/no/such-command -x" cannot be run: '
            "No such file or directory (ENOENT)"])

    def test_a_malformed_command_is_bad_usage(self):
        for spec in ("exec:", "exec: ", "exec-sh:", "exec-sh: ", "exec:a 'b", "exec:a > b"):
            with self.subTest(spec=spec):
                outcome = self.run_to_end("blocky-consumer", "--sink", spec)
                self.assertEqual(outcome.code, 2)
                self.assertIn(f'--sink: got "{spec}"', outcome.stderr)

    def test_the_command_may_stand_in_a_file_or_the_environment(self):
        answer = json.dumps({"results": [{"ok": True, "result": "a  b"}]})
        spec = f"exec-sh:while read -r _; do echo '{answer}'; done"
        path = self.directory / "config.toml"
        path.write_text(f"sink = {json.dumps(spec)}\n")
        consumer = self.batching_consumer(1, env={"BLOCKY_SINK": spec})
        self.assert_ok(self.req(consumer.endpoint).ask({"value": 1}), result="a  b")
        consumer = self.batching_consumer(1, "--config", str(path))
        self.assert_ok(self.req(consumer.endpoint).ask({"value": 1}), result="a  b")

    # The end

    def test_it_dies_with_a_consumer_that_is_killed(self):
        consumer = self.exec_consumer("""
say("up")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
hang()
""")
        descriptor = os.pidfd_open(self.said(consumer, "up"))
        self.addCleanup(os.close, descriptor)
        consumer.kill9()
        self.assertTrue(process_ends(descriptor))

    def test_one_that_was_started_again_dies_with_the_consumer_too(self):
        consumer = self.exec_consumer("""
say("again" if not first_time("started") else "up")
for batch in batches():
    if first_time("died"):
        os._exit(1)
    ok(batch)
    hang()
""")
        self.assert_ok(self.req(consumer.endpoint).ask({"value": 1}), result=1)
        descriptor = os.pidfd_open(self.said(consumer, "again"))
        self.addCleanup(os.close, descriptor)
        consumer.kill9()
        self.assertTrue(process_ends(descriptor))

    def test_control_c_at_the_terminal_lets_it_finish_its_batch(self):
        endpoint = f"ipc://{self.directory}/socket"
        go = self.gate("go")
        spec = self.spec("""
for batch in batches():
    say("begun")
    wait_for("go")
    ok(batch, lambda m: os.getpid())
say("bye")
""")
        # A session of its own stands for the terminal's foreground group.
        consumer = self.keep(Child(["setsid", program("blocky-consumer"), "--bind", endpoint,
                                    "--max-items", "1", "--interval", "10m", "--sink", spec]))
        consumer.stderr.wait_for_line(LISTENING.search)
        req = self.req(endpoint)
        req.send({"value": 5})
        pid = self.said(consumer, "begun")
        self.assertEqual(os.getpgid(consumer.pid), consumer.pid)
        os.killpg(consumer.pid, signal.SIGINT)
        go()
        self.assert_ok(req.reply(), result=pid)
        self.assertEqual(consumer.wait(), 0)
        self.said(consumer, "bye")

    def test_a_drain_has_it_process_what_is_held_and_then_end(self):
        go = self.gate("go")
        consumer = self.exec_consumer("""
for batch in batches():
    say("begun")
    wait_for("go")
    ok(batch)
say("bye")
""")
        dealer = self.dealer(consumer.endpoint)
        dealer.PROBE = {"no": "value"}  # this sink takes any value, but one there must be
        tags = dealer.send_all([{"value": 1}, {"value": 2}])
        dealer.sync()
        self.said(consumer, "begun")
        consumer.send_signal(signal.SIGTERM)
        go()
        self.assert_ok(dealer.reply(tags[0]), batch=2, result=1)
        self.assert_ok(dealer.reply(tags[1]), batch=3, result=2)
        self.assertEqual(consumer.wait(), 0)
        self.said(consumer, "bye")

    def test_a_signal_while_it_is_started_again_and_again_ends_the_consumer_in_time(self):
        consumer = self.exec_consumer("for batch in batches(): os._exit(3)")
        req = self.req(consumer.endpoint)
        req.send({"value": 1})
        consumer.stderr.wait_for_line(lambda l: "the sink fails" in l)
        self.assertEqual(consumer.stop(), 1)  # 10 s later, for what is held may still get through
        self.assert_error(req.reply(), "sink_failed")

    def test_one_that_does_not_end_by_itself_is_made_to(self):
        consumer = self.exec_consumer("""
signal.signal(signal.SIGTERM, lambda *_: (say("SIGTERM"), os._exit(0)))
say("up")
hang()
""")
        self.said(consumer, "up")
        self.assertEqual(consumer.stop(), 0)
        self.said(consumer, "SIGTERM")

    def test_the_second_signal_ends_a_consumer_whose_command_hangs(self):
        consumer = self.exec_consumer("""
for batch in batches():
    say("begun")
    hang()
""")
        self.req(consumer.endpoint).send({"value": 1})
        descriptor = os.pidfd_open(self.said(consumer, "begun"))
        self.addCleanup(os.close, descriptor)
        consumer.send_signal(signal.SIGTERM)
        self.assertIn(consumer.stop(signal.SIGINT), (128 + signal.SIGTERM, 128 + signal.SIGINT))
        self.assertTrue(process_ends(descriptor))


if __name__ == "__main__":
    unittest.main()
