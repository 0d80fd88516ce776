"""How blocky-consumer ends (signals and what they do to those who are held), and a stdout that
fails it.

Neither costs anybody a reply: a drain answers all that is held, and a batch log that cannot be
written holds no batch up.
"""

import fcntl
import os
import signal
import unittest

from support.case import BlockyCase
from support.programs import Consumer
from support.settings import scaled
from support.strict_json import strict_json


class Signals(BlockyCase):

    def assert_drained(self, number):
        consumer = self.consumer("--interval", "10m")
        dealer, req = self.dealer(consumer.endpoint), self.req(consumer.endpoint)
        tags = dealer.send_all([{"value": 1}, {"value": 2, "id": "a"}])
        dealer.sync()
        req.send({"value": 3})
        consumer.send_signal(number)
        self.assert_ok(dealer.reply(tags[0]), batch=2)
        self.assert_ok(dealer.reply(tags[1]), batch=2, id="a")
        self.assertEqual(consumer.wait(), 0)
        last = strict_json(consumer.stdout.all()[-1])
        self.assertEqual((last["batch"], last["trigger"], last["status"]), (2, "drain", "ok"))
        self.assertIn((last["size"], last["summary"]), [(2, 3), (3, 6)])

    def test_sigterm_processes_and_answers_what_is_held_and_exits_0(self):
        self.assert_drained(signal.SIGTERM)

    def test_sigint_does_the_same(self):
        self.assert_drained(signal.SIGINT)

    def test_a_thousand_held_messages_are_all_answered_by_the_drain(self):
        consumer = self.consumer("--interval", "10m")
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all({"value": 1} for _ in range(1000))
        dealer.sync()
        consumer.send_signal(signal.SIGTERM)
        for reply in dealer.replies(tags):
            self.assert_ok(reply, batch=2, size=1000, result=1000)
        self.assertEqual(consumer.wait(), 0)

    def test_a_consumer_that_holds_nothing_ends_at_once(self):
        consumer = self.consumer("--interval", "10m")
        consumer.wait_batch()
        self.assertEqual(consumer.stop(), 0)
        self.assertEqual([b for b in consumer.batches() if b["size"]], [])

    def test_the_drain_answers_a_client_although_another_one_is_gone(self):
        consumer = self.consumer("--interval", "10m")
        gone, dealer = self.dealer(consumer.endpoint), self.dealer(consumer.endpoint)
        gone.send({"value": 1})
        gone.sync()
        tag = dealer.send({"value": 2})
        dealer.sync()
        gone.close()
        consumer.send_signal(signal.SIGTERM)
        self.assert_ok(dealer.reply(tag), size=2, result=3)
        self.assertEqual(consumer.wait(), 0)

    def test_a_signal_in_full_flight_is_an_orderly_end_every_time(self):
        """Whatever call it interrupts; what was answered `ok` by then is in the batch log."""
        for turn in range(scaled(100)):
            consumer = self.consumer("--interval", "1ms")
            dealer = self.dealer(consumer.endpoint)
            for number in range(1000):
                if number == 400 + turn:
                    consumer.send_signal(signal.SIGTERM)
                dealer.send(b'{"value":1}')
            self.assertEqual(consumer.wait(), 0)
            sizes = {batch["batch"]: batch["size"] for batch in consumer.filled()}
            for reply in dealer.arrived_replies():
                if reply["status"] == "ok":
                    self.assertEqual(sizes[reply["batch"]], reply["size"])
                else:
                    self.assert_error(reply, "shutting_down")

    def test_a_second_signal_ends_it_at_once_with_128_and_the_signal(self):
        """Both wait for it while it is stopped: the first starts the drain, the second ends it."""
        consumer = self.consumer("--interval", "10m")
        dealer = self.dealer(consumer.endpoint)
        dealer.send({"value": 1})
        dealer.sync()
        consumer.pause()
        consumer.send_signal(signal.SIGTERM)
        consumer.send_signal(signal.SIGINT)
        consumer.resume()
        self.assertIn(consumer.wait(), (128 + signal.SIGTERM, 128 + signal.SIGINT))

    def test_sigpipe_does_not_end_it(self):
        consumer = self.batching_consumer(1)
        consumer.send_signal(signal.SIGPIPE)
        self.assert_ok(self.req(consumer.endpoint).ask({"value": 1}))
        self.assertEqual(consumer.stop(), 0)


class FailingStdout(BlockyCase):

    def assert_serves(self, endpoint, turns=20):
        req = self.req(endpoint)
        for n in range(turns):
            self.assert_ok(req.ask({"value": n, "id": str(n)}), size=1, result=n, id=str(n))

    def assert_said_once(self, consumer):
        """One line on stderr says that the log is lost, however many lines are."""
        self.assertEqual(consumer.stop(), 0)
        lines = [l for l in consumer.stderr.all() if "listening on " not in l]
        about = [l for l in lines if "stdout" in l or "batch log" in l]
        self.assertTrue(about, f"nothing about the lost log in {lines}")
        self.assertLessEqual(len(about), 2, lines)

    def test_a_closed_stdout_costs_nobody_a_reply(self):
        consumer = self.batching_consumer(1, stdout=None, redirect=">&-")
        self.assert_serves(consumer.endpoint)
        self.assert_said_once(consumer)

    def test_a_stdout_that_is_full_costs_nobody_a_reply(self):
        consumer = self.batching_consumer(1, stdout=None, redirect=">/dev/full")
        self.assert_serves(consumer.endpoint)
        self.assert_said_once(consumer)

    def test_a_closed_stdin_and_stdout_and_stderr_cost_nobody_a_reply(self):
        endpoint = f"ipc://{self.directory}/socket"
        consumer = self.keep(Consumer("--interval", "10m", "--max-items", "1", bind=[endpoint],
                                      redirect="<&- >&- 2>&-", stdout=None, stderr=None))
        self.assert_serves(endpoint)
        self.assertEqual(consumer.stop(), 0)

    def test_a_pipe_whose_reader_is_gone_costs_nobody_a_reply(self):
        reading, writing = os.pipe()
        consumer = self.batching_consumer(1, stdout=writing)
        os.close(writing)
        os.close(reading)
        self.assert_serves(consumer.endpoint)
        self.assert_said_once(consumer)

    def test_a_pipe_that_nobody_reads_costs_nobody_a_reply(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        consumer = self.batching_consumer(1, stdout=writing)
        os.close(writing)
        self.assert_serves(consumer.endpoint, turns=200)
        kept = os.read(reading, 65536).decode().splitlines()
        self.assertLess(len(kept), 200)
        for line in kept:
            strict_json(line)
        reply = self.req(consumer.endpoint).ask({"value": 1})
        later = os.read(reading, 65536).decode().splitlines()
        self.assertEqual(strict_json(later[-1])["batch"], reply["batch"])
        self.assert_said_once(consumer)

    def test_ticks_go_on_while_nobody_reads_the_pipe(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        consumer = self.consumer("--interval", "5ms", stdout=writing)
        os.close(writing)
        req = self.req(consumer.endpoint)
        batches = [req.ask({"value": 1})["batch"] for _ in range(60)]
        self.assertEqual(batches, sorted(set(batches)))
        self.assertGreaterEqual(batches[-1], 60)


class Output(BlockyCase):

    def test_output_that_nobody_reads_holds_up_neither_batches_nor_the_end(self):
        """stdout and stderr are one pipe, as with `2>&1 | less`."""
        endpoint = f"ipc://{self.directory}/socket"
        writing = self.full_pipe()
        consumer = self.keep(Consumer("--interval", "1ms", bind=[endpoint], stdout=writing,
                                      stderr=writing))
        dealer = self.dealer(endpoint)
        for number in range(20):
            self.assert_ok(dealer.ask({"value": number}), result=number)
        self.assertEqual(consumer.stop(), 0)


if __name__ == "__main__":
    unittest.main()
