"""The notify protocol of systemd, spoken over a real datagram socket: when blocky-consumer says that
it is ready, what it did last, that it lives, and that it stops.
"""

import glob
import os
import re
import signal
import socket
import sys
import time

from support import settings
from support.case import BlockyCase
from support.notify_socket import NotifySocket
from support.polling import poll_until
from support.programs import Consumer
from support.settings import SLOW

PERIOD = 0.8 * SLOW  # of the watchdog, seconds
STATUS = re.compile(r"batch (\d+): (\d+) messages?, held (\d+) ms; (\d+) messages? so far")

# A command for --sink exec that answers nothing until a file is there, and keeps its environment.
SINK = '''\
import json, os, sys, time
gate, kept = sys.argv[1:]
with open(kept, "w", encoding="utf-8") as file:
    json.dump(dict(os.environ), file)
for line in sys.stdin:
    while not os.path.exists(gate):
        time.sleep(0.01)
    batch = json.loads(line)
    print(json.dumps({"results": [{"ok": True}] * len(batch["messages"])}), flush=True)
'''


class NotifyCase(BlockyCase):

    def setUp(self):
        super().setUp()
        self.manager = self.manager_at(self.directory / "notify")

    def manager_at(self, address):
        manager = NotifySocket(address)
        self.addCleanup(manager.close)
        return manager

    def notifying(self, *options, period=None, env=None, **how):
        """A consumer that was started by self.manager; `period` is the watchdog's, in seconds."""
        watchdog = {"WATCHDOG_USEC": str(int(period * 1e6))} if period else {}
        environment = {**self.manager.environment, **watchdog, **(env or {})}
        return self.keep(Consumer(*options, env=environment, **how))

    def ready(self, *options, **how):
        consumer = self.notifying(*options, **how)
        self.manager.wait_for(lambda m: m.get("READY") == "1", what="READY=1")
        return consumer

    def sink_behind_a_gate(self):
        """Options for a sink that hangs until self.gate is there."""
        script = self.directory / "sink.py"
        script.write_text(SINK, encoding="utf-8")
        self.gate, self.kept = self.directory / "gate", self.directory / "environment"
        return ["--sink", f"exec:{sys.executable} {script} {self.gate} {self.kept}",
                "--exec-timeout", "10m", "--interval", "10m", "--max-items", "1"]

    def free_port(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]


class Ready(NotifyCase):

    def test_ready_comes_once_and_only_when_the_sockets_are_bound(self):
        port = self.free_port()
        consumer = self.notifying(bind=[f"tcp://127.0.0.1:{port}"])
        message = self.manager.wait_for(lambda m: "READY" in m, what="READY")
        self.assertEqual(message["READY"], "1")
        socket.create_connection(("127.0.0.1", port)).close()  # at once, or it is refused
        self.assertEqual(self.manager.senders, {consumer.pid})
        self.assertEqual(consumer.stop(), 0)
        self.assertEqual(sum("READY" in m for m in self.manager.read_all()), 1)

    def test_the_same_over_an_abstract_socket(self):
        self.manager.close()
        self.manager = self.manager_at(f"@blocky-test-{os.getpid()}")
        consumer = self.ready()
        self.assertEqual(consumer.stop(), 0)
        self.assertEqual(sum("STOPPING" in m for m in self.manager.read_all()), 1)

    def test_a_consumer_that_cannot_bind_is_never_ready(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            consumer = self.notifying(bind=[f"tcp://127.0.0.1:{taken.getsockname()[1]}"])
            self.assertEqual(consumer.wait(), 1)
        self.assertFalse([m for m in self.manager.read_all() if "READY" in m])

    def test_nor_is_one_that_still_opens_its_sink(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            consumer = self.notifying(
                "--sink", f"nats:nats://127.0.0.1:{silent.getsockname()[1]}#subject")
            self.manager.wait_for_status("sink is being opened")
            silent.settimeout(settings.DEADLINE)
            connection, _ = silent.accept()  # it waits for our first words
            self.assertEqual(consumer.stop(), 0)
            connection.close()
        self.assertFalse([m for m in self.manager.read_all() if "READY" in m])

    def test_a_manager_that_comes_late_is_told_all_the_same(self):
        address = self.manager.address
        self.manager.close()
        consumer = self.notifying()
        consumer.wait_batch()
        self.manager = self.manager_at(address)
        self.manager.wait_for(lambda m: m.get("READY") == "1", what="READY=1")

    def test_one_that_never_reads_holds_nothing_up(self):
        consumer = self.notifying("--interval", "10ms", period=0.04)
        dealer = self.dealer(consumer.endpoint)
        start = time.monotonic()
        while time.monotonic() < start + 2:  # its queue has room for some ten datagrams
            self.assert_ok(dealer.reply(dealer.send({"value": 1})))
        self.assertEqual(consumer.stop(), 0)
        self.assertEqual(self.manager.read_all()[0]["STATUS"], "the sink is being opened")

    def test_a_name_that_is_none_is_a_warning(self):
        consumer = self.keep(Consumer(env={"NOTIFY_SOCKET": "nowhere"}))
        consumer.stderr.wait_for_line(lambda l: "NOTIFY_SOCKET" in l and '"nowhere"' in l)
        consumer.wait_batch()


class Status(NotifyCase):

    def test_the_status_tells_the_last_batch_as_the_log_does(self):
        consumer = self.ready("--interval", "10m", "--max-items", "3")
        dealer = self.dealer(consumer.endpoint)
        dealer.replies(dealer.send_all({"value": n} for n in range(3)))
        first = STATUS.fullmatch(self.manager.wait_for_status("; 3 messages so far"))
        dealer.replies(dealer.send_all({"value": n} for n in range(6)))
        last = STATUS.fullmatch(self.manager.wait_for_status("; 9 messages so far"))
        logged = {batch["batch"]: batch for batch in consumer.filled()}
        for status in (first, last):
            batch = logged[int(status[1])]
            self.assertEqual(int(status[2]), batch["size"])
            self.assertAlmostEqual(int(status[3]), batch["hold_ms_max"], delta=0.51)
        self.assertEqual(int(last[1]), max(logged))

    def test_it_comes_at_most_once_a_second(self):
        consumer = self.ready("--interval", "5ms", period=0.1)
        dealer = self.dealer(consumer.endpoint)
        start = time.monotonic()
        while time.monotonic() < start + 3.2:
            dealer.reply(dealer.send({"value": 1}))
            self.manager.receive(0)
        told = [when for when, m in self.manager.seen if "STATUS" in m and when > start]
        self.assertIn(len(told), (2, 3, 4))

    def test_before_the_first_message_it_says_so(self):
        self.notifying()
        self.manager.wait_for_status("no message so far")

    def test_a_sink_that_fails_is_in_it_with_the_reason(self):
        consumer = self.ready("--sink", "exec:cat", "--interval", "10ms")
        self.dealer(consumer.endpoint).send({"value": 1})
        status = self.manager.wait_for_status("the sink has failed for")
        self.assertIn('the command "cat" has answered', status)
        consumer.kill9()  # it would try for as long as a drain may take


class Alive(NotifyCase):

    def watched(self, *options, period=PERIOD, **how):
        return self.ready(*options, period=period, **how)

    def alive(self, times=1):
        for _ in range(times):
            self.manager.wait_for(lambda m: m.get("WATCHDOG") == "1", what="WATCHDOG=1")

    def test_an_idle_loop_shows_that_it_lives_twice_in_each_period(self):
        self.watched("--interval", "10m", period=2)
        self.alive(9)
        times = [when for when, m in self.manager.seen if "WATCHDOG" in m]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        self.assertLess(sorted(gaps)[len(gaps) // 2], 1)
        self.assertLess(max(gaps), 2)

    def test_without_a_watchdog_nothing_of_the_kind_is_said(self):
        consumer = self.ready()
        self.assertEqual(consumer.stop(), 0)
        self.assertFalse([m for m in self.manager.read_all() if "WATCHDOG" in m])

    def test_nor_if_the_watchdog_is_for_another_process(self):
        consumer = self.watched(env={"WATCHDOG_PID": "1"})
        self.assertEqual(consumer.stop(), 0)
        self.assertFalse([m for m in self.manager.read_all() if "WATCHDOG" in m])

    def test_a_loop_that_is_stopped_falls_silent(self):
        consumer = self.watched()
        self.alive()
        consumer.pause()
        poll_until(lambda: self.stopped(consumer), what=lambda: "the stop")
        self.manager.read_all()
        self.assertIsNone(self.manager.receive(2 * PERIOD))
        consumer.resume()
        self.alive()

    @staticmethod
    def stopped(consumer):
        states = []
        for path in glob.glob(f"/proc/{consumer.pid}/task/*/stat"):
            with open(path, encoding="ascii") as stat:
                states.append(stat.read().rpartition(")")[2].split()[0])
        return set(states) == {"T"}

    def hang(self, *options):
        """A consumer whose sink does not answer, after --stall-after."""
        consumer = self.watched(*self.sink_behind_a_gate(), "--stall-after", "200ms", *options)
        self.dealer(consumer.endpoint).send({"value": 1})
        self.manager.wait_for_status("does not answer")
        return consumer

    def test_a_sink_that_hangs_leaves_the_watchdog_quiet(self):
        self.hang()
        self.alive(5)
        self.gate.touch()

    def test_with_watchdog_sink_it_is_silent_until_the_sink_answers(self):
        self.hang("--watchdog", "sink")
        silent = len(self.manager.seen) - 1
        for _ in range(3):  # a second each
            self.manager.wait_for_status("does not answer")
        self.assertFalse([m for _, m in self.manager.seen[silent:] if "WATCHDOG" in m])
        self.gate.touch()
        self.alive(3)

    def test_but_not_for_a_sink_that_fails_and_is_tried_again(self):
        consumer = self.watched("--sink", "exec:cat", "--interval", "10ms", "--watchdog", "sink",
                                "--stall-after", "200ms", period=0.4 * SLOW)
        self.dealer(consumer.endpoint).send({"value": 1})
        self.manager.wait_for_status("the sink has failed for 3 s")  # pauses are longer than that
        times = [when for when, m in self.manager.seen if "WATCHDOG" in m]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 0.4 * SLOW)
        consumer.kill9()

    def test_nor_for_an_idle_one(self):
        self.gate = None
        self.watched("--interval", "10m", "--watchdog", "sink", "--stall-after", "1ms")
        self.alive(6)

    def test_the_option_accepts_loop_and_sink(self):
        for value in ("", "Sink", "both"):
            outcome = self.run_to_end("blocky-consumer", "--watchdog", value)
            self.assertEqual(outcome.code, 2)
            self.assertEqual(outcome.error_lines, [
                f'blocky-consumer: --watchdog: got "{value}"; accepts loop or sink'])
        outcome = self.run_to_end("blocky-consumer", env={"BLOCKY_WATCHDOG": "x"})
        self.assertEqual(outcome.code, 2)
        self.assertIn('BLOCKY_WATCHDOG: --watchdog: got "x"', outcome.stderr)


class Stopping(NotifyCase):

    def test_a_drain_is_told_when_it_begins(self):
        consumer = self.ready(*self.sink_behind_a_gate())
        dealer = self.dealer(consumer.endpoint)
        tag = dealer.send({"value": 1})
        poll_until(self.kept.exists, what=lambda: "the command")
        dealer.sync()
        consumer.send_signal(signal.SIGTERM)
        message = self.manager.wait_for(lambda m: "STOPPING" in m, what="STOPPING")
        self.assertEqual(message["STOPPING"], "1")
        self.assertFalse(consumer.ended())
        self.gate.touch()
        self.assertEqual(dealer.reply(tag)["status"], "ok")
        self.assertEqual(consumer.wait(), 0)
        self.assertEqual(sum("STOPPING" in m for m in self.manager.read_all()), 1)

    def test_so_is_the_end_after_the_last_batch(self):
        consumer = self.ready("--interval", "10ms", "--batches", "2")
        self.assertEqual(consumer.wait(), 0)
        self.assertEqual(sum("STOPPING" in m for m in self.manager.read_all()), 1)


class Environment(NotifyCase):

    OURS = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
            "LISTEN_FDNAMES")

    def test_a_command_of_ours_is_no_service(self):
        leave = {"WATCHDOG_PID": "1", "LISTEN_FDS": "1", "LISTEN_PID": "1",
                 "LISTEN_FDNAMES": "x", "KEPT": "yes"}
        self.ready(*self.sink_behind_a_gate(), period=60, env=leave)
        poll_until(lambda: self.kept.exists() and self.kept.read_text().endswith("}"))
        inherited = self.kept.read_text(encoding="utf-8")
        self.assertIn('"KEPT": "yes"', inherited)
        for name in self.OURS:
            self.assertNotIn(name, inherited)

    def test_who_has_no_manager_reports_to_nobody(self):
        notifying = self.ready()
        self.assertEqual(len(self.datagram_sockets(notifying)), 1)  # so this sees one
        alone = self.consumer()
        self.assertEqual(self.datagram_sockets(alone), set())

    @staticmethod
    def datagram_sockets(consumer):
        """The inodes of its Unix datagram sockets."""
        links = (os.readlink(path) for path in glob.glob(f"/proc/{consumer.pid}/fd/*"))
        its = {link[8:-1] for link in links if link.startswith("socket:[")}
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as table:
            rows = [line.split() for line in table][1:]
        return its & {row[6] for row in rows if row[4] == "0002"}


if __name__ == "__main__":
    settings.main()
