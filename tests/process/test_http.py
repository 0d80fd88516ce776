"""The consumer with --http: what it says equals what it does, and how it starts and ends."""

import json
import re
import signal
import socket

from support.case import BlockyCase
from support.http import EventReader, ask, dashboard_port, read_metrics, read_status
from support.polling import poll_until
from support.programs import Consumer
from support.settings import DEADLINE, main

BAD_ADDRESSES = ["", "x", "65536", "-1", "127.0.0.1", "127.0.0.1:", "example.org:80", "::1:80",
                 "http://127.0.0.1:80", "*:80"]


class HttpCase(BlockyCase):

    def serving(self, *options, **how):
        """A consumer with --http that serves, and the port of that."""
        consumer = self.keep(Consumer("--http", "0", *options, **how))
        consumer.wait_listening()
        port = dashboard_port(consumer)
        poll_until(lambda: read_status(port), what=lambda: "a status")
        return consumer, port

    def refused(self, *options):
        """How a consumer ends that does not start."""
        outcome = self.run_to_end("blocky-consumer", "--bind", "tcp://127.0.0.1:*", *options)
        self.assertEqual(outcome.stdout, "")
        return outcome


class Start(HttpCase):

    def test_a_bad_address_is_bad_usage(self):
        for address in BAD_ADDRESSES:
            with self.subTest(address):
                outcome = self.refused("--http", address)
                self.assertEqual((outcome.code, len(outcome.error_lines)), (2, 1), outcome)
                for word in ("--http", f'"{address}"', "ADDRESS:PORT"):
                    self.assertIn(word, outcome.stderr)

    def test_a_port_that_is_taken_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            outcome = self.refused("--http", str(taken.getsockname()[1]))
            self.assertEqual((outcome.code, len(outcome.error_lines)), (1, 1), outcome)
            self.assertIn(f"http://127.0.0.1:{taken.getsockname()[1]}/: Address already in use",
                          outcome.stderr)

    def test_an_address_that_others_reach_is_taken_and_warned_of_once(self):
        consumer = self.consumer("--http", "0.0.0.0:0")
        consumer.stop()
        warnings = [line for line in consumer.stderr.all() if " warning " in line]
        self.assertEqual(len(warnings), 1, warnings)
        self.assertIn("anybody who reaches", warnings[0])

    def test_ipv6(self):
        if not socket.has_ipv6:
            self.skipTest("no IPv6 here")
        consumer = self.consumer("--http", "[::1]:0")
        line = consumer.stderr.wait_for_line(lambda l: "dashboard at http://[::1]:" in l)
        with socket.create_connection(("::1", int(line.split(":")[-1].strip("/")))) as client:
            client.sendall(b"GET /healthz HTTP/1.0\n\n")
            self.assertIn(b" 200 ", client.makefile("rb").readline())

    def test_it_is_not_ready_while_its_sink_opens(self):
        # A listener that never says a word to the client of the database.
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        sink = f"nats:nats://127.0.0.1:{silent.getsockname()[1]}#subject"
        consumer = self.keep(Consumer("--http", "0", "--sink", sink))
        port = dashboard_port(consumer)
        self.assertEqual(ask(port, "/healthz")[0::2], (200, "starting\n"))
        self.assertEqual(ask(port, "/readyz")[0::2], (503, "starting\n"))
        self.assertEqual(ask(port, "/status")[0::2], (503, '{"state":"starting"}\n'))
        consumer.kill9()


class Numbers(HttpCase):

    def loaded(self):
        """A consumer that has taken all kinds of messages, at rest, and its port."""
        consumer, port = self.serving("--linger", "20ms", "--max-items", "5")
        client = self.dealer(consumer.endpoint)
        client.replies(client.send_all({"value": i, "id": f"a-{i}"} for i in range(23)))
        client.replies(client.send_all([{"value": 0, "id": "a-0"}, b"no JSON",
                                        {"value": 1, "v": 9}]))
        return consumer, port

    def test_metrics_status_and_batch_log_have_the_same_numbers(self):
        consumer, port = self.loaded()
        poll_until(lambda: read_status(port)["totals"]["replies"]["unsupported_version"] == 1)
        metrics, status, log = read_metrics(port), read_status(port), consumer.batches()
        totals = status["totals"]
        self.assertEqual(status["batches"], log)
        self.assertEqual(totals["messages"], 23)
        self.assertEqual(totals["batches"], len(log))
        self.assertEqual(totals["messages"], sum(batch["size"] for batch in log))
        self.assertEqual(totals["replies"], metrics.by("blocky_replies_total", "outcome"))
        self.assertEqual(totals["replies"] | {"ok": 23, "duplicate": 1, "bad_request": 1},
                         totals["replies"])
        self.assertEqual(totals["batches_by_trigger"],
                         metrics.by("blocky_batches_total", "trigger"))
        self.assertEqual(totals["batches_by_trigger"]["items"],
                         sum(batch["trigger"] == "items" for batch in log))
        self.assertEqual(metrics.by("blocky_messages_total", "outcome"),
                         {"stored": 23, "duplicate": 0, "rejected": 0, "failed": 0})
        self.assertEqual(metrics.value("blocky_batch_size_messages_count"), len(log))
        self.assertEqual(metrics.value("blocky_batch_size_messages_sum"), 23)
        self.assertEqual(metrics.value("blocky_hold_seconds_count"), 23)
        longest = max(batch["hold_ms_max"] for batch in log)
        self.assertAlmostEqual(totals["hold_ms"]["max"], longest, places=2)
        processed = sum(batch["process_ms"] for batch in log if batch["size"]) / 1000
        self.assertAlmostEqual(metrics.value("blocky_processing_seconds_sum"), processed, places=4)

    def test_the_process_is_described_by_its_own_numbers(self):
        consumer, port = self.serving()
        metrics = read_metrics(port)
        self.assertAlmostEqual(metrics.value("process_resident_memory_bytes"), consumer.rss(),
                               delta=consumer.rss() / 2)
        self.assertAlmostEqual(metrics.value("process_cpu_seconds_total"), consumer.cpu_seconds(),
                               delta=0.5)
        self.assertGreater(metrics.value("process_max_fds"), metrics.value("process_open_fds"))
        self.assertEqual(metrics.value("blocky_run_info", run=read_status(port)["run"], sink="sum"),
                         1)

    def test_who_is_held_and_who_is_missing_is_told_by_name(self):
        consumer, port = self.serving("--linger", "10m", "--barrier", "3")
        clients = [self.dealer(consumer.endpoint) for _ in range(2)]
        for client, name in zip(clients, ("alice", "bob")):
            client.send({"value": 1, "producer": name})

        def both():
            found = read_status(port)
            return found if found["producers"]["in_count"] == 2 else None

        status = poll_until(both)
        self.assertEqual(status["producers"]["in"], ["alice", "bob"])
        self.assertEqual(status["producers"]["missing_count"], 1)
        self.assertEqual(status["held"]["messages"], 2)
        self.assertEqual(status["barrier"], 3)
        self.assertEqual(read_metrics(port).value("blocky_held_messages"), 2)
        self.assertEqual(read_metrics(port).value("blocky_missing_producers"), 1)


class Events(HttpCase):

    def reader(self, port, *arguments):
        reader = EventReader(port, *arguments)
        self.addCleanup(reader.close)
        return reader

    def test_each_batch_is_told_once_as_it_stands_in_the_log(self):
        consumer, port = self.serving("--linger", "1ms")
        known = len(consumer.batches())
        reader = self.reader(port)
        client = self.req(consumer.endpoint)
        for i in range(50):
            client.ask({"value": i})
        told = []
        while len(told) < 50:
            event = reader.next()
            told += event["data"]
            self.assertEqual(event["event"], "batch")
            self.assertEqual(event["id"].rpartition("-")[2], str(json.loads(told[-1])["batch"]))
        self.assertEqual(told, consumer.stdout.all()[known:])

    def test_a_reader_that_comes_back_misses_nothing_of_the_run(self):
        consumer, port = self.serving("--linger", "1ms")
        client = self.req(consumer.endpoint)
        for i in range(5):
            client.ask({"value": i})
        run = poll_until(lambda: read_status(port)["totals"]["batches"] >= 5
                         and read_status(port)["run"])
        event = self.reader(port, "/events", {"Last-Event-ID": f"{run}-2"}).next()
        self.assertEqual([json.loads(line)["batch"] for line in event["data"]], [3, 4, 5])

    def test_the_state_goes_from_serving_over_draining_to_stopped(self):
        consumer, port = self.serving()
        reader = self.reader(port, "/events?state=1")

        def is_state(word):
            return lambda event: (event["event"] == "state"
                                  and json.loads(event["data"][0])["state"] == word)

        reader.wait_for(is_state("serving"))
        consumer.send_signal(signal.SIGTERM)
        reader.wait_for(is_state("stopped"))
        self.assertIsNone(reader.next())
        self.assertEqual(consumer.wait(), 0)


class Health(HttpCase):

    def test_a_consumer_that_serves_is_well_and_ready(self):
        _, port = self.serving()
        self.assertEqual(ask(port, "/healthz")[0::2], (200, "ok\n"))
        self.assertEqual(ask(port, "/readyz")[0::2], (200, "ready\n"))

    def stuck(self, *options):
        """A consumer whose sink has a message and never returns, and its port."""
        consumer, port = self.serving("--linger", "0s", "--sink", "exec:sleep 1000",
                                      "--exec-timeout", "10m", *options)
        self.dealer(consumer.endpoint).send({"value": 1})
        return consumer, port

    def test_a_sink_that_keeps_a_batch_for_too_long_is_a_stall(self):
        consumer, port = self.stuck("--stall-after", "300ms")
        # On a busy machine the loop may be late as well, and is named first.
        poll_until(lambda: re.fullmatch(r"the sink has had batch 1 for \d+ s\n",
                                        ask(port, "/healthz")[2]))
        self.assertEqual(ask(port, "/healthz")[0], 503)
        self.assertEqual(ask(port, "/readyz")[0], 503)
        self.assertEqual(read_metrics(port).value("blocky_sink_up"), 1)
        consumer.kill9()

    def test_a_sink_that_fails_is_not_ready_and_says_why(self):
        consumer, port = self.serving("--linger", "0s", "--sink", "exec:false")
        self.dealer(consumer.endpoint).send({"value": 1})
        text = poll_until(lambda: ask(port, "/readyz")[0] == 503 and ask(port, "/readyz")[2])
        self.assertRegex(text, r"^the sink has been failing for \d+ s: \S")
        self.assertEqual(ask(port, "/healthz")[0], 200)
        self.assertEqual(read_metrics(port).value("blocky_sink_up"), 0)
        self.assertEqual(read_status(port)["sink"]["state"], "failing")
        consumer.kill9()

    def test_the_server_ends_with_the_consumer_though_somebody_reads_on(self):
        consumer, port = self.serving()
        readers = [EventReader(port) for _ in range(10)]
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(10)]
        for each in (*readers, *idle):
            self.addCleanup(each.close)
        self.assertEqual(consumer.stop(seconds=DEADLINE / 5), 0)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


if __name__ == "__main__":
    main()
