"""The sink nats on real servers: what it stores, what it tells apart, what it outlasts."""

import json
import signal
import socket
import time

from support.case import BlockyCase
from support.nats_cluster import NatsCluster
from support.one_way_proxy import OneWayProxy
from support.polling import poll_until
from support.programs import Consumer
from support.settings import DEADLINE, SLOW, main, scaled

STREAM = "EVENTS"
SUBJECT = "events.new"
LONG = 60.0 * SLOW  # for what takes elections


class NatsCase(BlockyCase):

    def cluster(self, nodes=1, settings=""):
        cluster = NatsCluster(nodes, settings)
        self.addCleanup(cluster.stop)
        return cluster

    def streaming(self, nodes=1, settings="", **stream):
        """A cluster that is ready and has the stream."""
        cluster = self.cluster(nodes, settings)
        cluster.start()
        cluster.create_stream(STREAM, ["events.>"], **stream)
        return cluster

    def sinking(self, cluster, *options, linger="10ms", **how):
        return self.lingering_consumer(linger, "--sink", cluster.sink(SUBJECT), *options, **how)

    def refused_start(self, *options, seconds=DEADLINE):
        """The one line of a consumer that did not start."""
        outcome = self.run_to_end("blocky-consumer", "--bind", "tcp://127.0.0.1:*", *options,
                                  seconds=seconds)
        self.assertEqual(outcome.code, 1, outcome)
        return outcome.error_lines[-1]

    def loads(self, consumer, count, producers=3, in_flight=200):
        """Producers p-0, p-1 … each of which pushes 1 … count."""
        return [self.producer(consumer.endpoint, "--name", f"p-{i}", "--count", str(count),
                              "--in-flight", str(in_flight), "--timeout", "60s",
                              log="json") for i in range(producers)]

    def assert_once(self, cluster, producers, count):
        """Each message of each producer is in the stream exactly once."""
        messages = cluster.full(STREAM)
        found = sorted((h["Blocky-Producer"], int(value)) for h, value in messages)
        expected = sorted((f"p-{i}", n + 1) for i in range(producers) for n in range(count))
        self.assertEqual(len(found), len(expected))
        self.assertEqual(found, expected)
        ids = [headers["Nats-Msg-Id"] for headers, _ in messages]
        self.assertEqual(len(ids), len(set(ids)))

    def assert_all_acknowledged(self, producers, count):
        """They end by themselves, and no reply of theirs was an error."""
        for producer in producers:
            self.assertEqual(producer.wait(LONG), 0)
            statuses = [reply["status"] for reply in producer.replies()]
            self.assertEqual(statuses, ["ok"] * count)


class Storing(NatsCase):

    VALUES = [b'{"a":[1,{"b":[]}],"big":123456789012345678901234567890.50}', b'"\\u0000\\n"',
              '"Grüße 🧮"'.encode(), b"[" * 64 + b"]" * 64, b"null", b"1.50", b"1e300"]

    def test_a_message_is_stored_as_it_came_with_what_is_known_of_it(self):
        cluster = self.streaming()
        consumer = self.sinking(cluster)
        dealer = self.dealer(consumer.endpoint)
        tags = [dealer.send(b'{"producer":"pr\xc3\xb6d","id":"id \xc3\xa9 %d","value":%s}' % item)
                for item in enumerate(self.VALUES)]
        tags.append(dealer.send(b'{"value":7}'))
        for reply in dealer.replies(tags):
            self.assertEqual(reply["status"], "ok")
            self.assertNotIn("duplicate", reply)
        messages = cluster.full(STREAM)
        self.assertEqual([value for _, value in messages], [*self.VALUES, b"7"])
        first, last = messages[0][0], messages[-1][0]
        batch = consumer.wait_filled(1)[0]
        run = batch["run"]
        self.assertEqual(first["Nats-Msg-Id"], "id é 0")
        self.assertEqual(first["Blocky-Producer"], "pröd")
        self.assertEqual(first["Blocky-Run"], run)
        self.assertEqual(int(first["Blocky-Batch"]), batch["batch"])
        self.assertRegex(first["Blocky-Received-At"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(last["Nats-Msg-Id"], f"{run}:{len(messages)}")
        self.assertNotIn("Blocky-Producer", last)

    def test_after_a_restart_what_is_stored_is_told_apart(self):
        cluster = self.streaming()
        consumer = self.sinking(cluster)
        self.req(consumer.endpoint).ask({"value": 1, "id": "one"})
        self.assertEqual(consumer.kill9(), -9)
        consumer = self.sinking(cluster)
        dealer = self.dealer(consumer.endpoint)
        old, new = dealer.replies([dealer.send({"value": n, "id": i})
                                   for n, i in ((1, "one"), (2, "two"))])
        self.assert_duplicate(old, "one")
        self.assertNotIn("duplicate", new)
        self.assertEqual(cluster.messages(STREAM), [("one", b"1"), ("two", b"2")])
        batches = self.end(consumer)
        self.assertEqual(sum(b["summary"]["stored"] for b in batches), 1)
        self.assertEqual(sum(b["duplicates"] for b in batches), 1)

    def test_the_text_log_says_what_was_stored_and_where(self):
        consumer = self.sinking(self.streaming(), log="text")
        self.req(consumer.endpoint).ask({"value": 1})
        consumer.stdout.wait_for_line(lambda l: f"Stored 1 message in the stream {STREAM} ✅" in l)

    def test_a_batch_larger_than_what_may_be_on_its_way_is_stored_whole(self):
        count = 5000  # of which 4,096 may be without an acknowledgement
        cluster = self.streaming()
        consumer = self.batching_consumer(count, "--sink", cluster.sink(SUBJECT))
        dealer = self.dealer(consumer.endpoint)
        for reply in dealer.replies(dealer.send_all({"value": n} for n in range(count))):
            self.assertEqual((reply["status"], reply["size"]), ("ok", count), reply)
        stored = [int(value) for _, value in cluster.messages(STREAM)]
        self.assertEqual(stored, list(range(count)))

    def test_a_message_larger_than_the_servers_take_is_refused_at_once(self):
        consumer = self.sinking(self.streaming(settings="max_payload: 2000"))
        client = self.req(consumer.endpoint)
        reply = client.ask({"value": "x" * 1900})
        self.assert_error(reply, "bad_request")
        self.assertIn("2000", reply["message"])
        self.assertEqual(client.ask({"value": "x" * 1500})["status"], "ok")

    def test_a_message_larger_than_the_stream_takes_by_now_is_rejected_alone(self):
        cluster = self.streaming()
        consumer = self.sinking(cluster, linger="300ms")
        config = cluster.stream_info(STREAM)["config"]
        config["max_msg_size"] = 2000
        cluster.ask(lambda client: client.api(f"STREAM.UPDATE.{STREAM}", **config))
        dealer = self.dealer(consumer.endpoint)
        good, bad = dealer.replies([dealer.send({"value": v}) for v in ("x", "x" * 3000)])
        self.assertEqual(good["status"], "ok")
        self.assert_error(bad, "rejected")
        self.assertIn(STREAM, bad["message"])

    def test_a_full_stream_holds_the_producers_until_there_is_room(self):
        cluster = self.streaming(max_msgs=1, discard="new")
        consumer = self.sinking(cluster)
        client = self.dealer(consumer.endpoint)
        self.assertEqual(client.ask({"value": 1})["status"], "ok")
        tag = client.send({"value": 2})
        line = consumer.stderr.wait_for_line(lambda l: "the sink fails" in l)
        self.assertIn("maximum messages exceeded", line)
        cluster.ask(lambda c: c.api(f"STREAM.PURGE.{STREAM}"))
        self.assertEqual(client.reply(tag)["status"], "ok")


class Starting(NatsCase):

    def test_without_a_stream_the_program_says_how_to_get_one(self):
        cluster = self.cluster()
        cluster.start()
        line = self.refused_start("--sink", cluster.sink(SUBJECT))
        self.assertIn(f"no stream keeps the subject {SUBJECT}", line)
        self.assertIn("--nats-create", line)

    def test_a_stream_of_that_name_that_does_not_keep_the_subject_is_left_alone(self):
        cluster = self.streaming()
        line = self.refused_start("--sink", cluster.sink("other"), "--nats-create", f"{STREAM}:1")
        self.assertIn("does not keep other", line)
        line = self.refused_start("--sink", cluster.sink(SUBJECT), "--nats-create", "OTHER:1")
        self.assertIn(f"the stream {STREAM} keeps {SUBJECT} already", line)

    def test_replicas_that_there_are_no_servers_for_are_refused(self):
        cluster = self.cluster()
        cluster.start()
        line = self.refused_start("--sink", cluster.sink(SUBJECT), "--nats-create", f"{STREAM}:3")
        self.assertIn("replicas > 1 not supported", line)

    def test_a_stop_is_heeded_while_servers_are_waited_for(self):
        for talks, number in ((True, signal.SIGTERM), (False, signal.SIGINT)):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                port = listener.getsockname()[1]
                child = self.keep(Consumer("--sink", f"nats:nats://127.0.0.1:{port}#{SUBJECT}"))
                listener.settimeout(DEADLINE)
                # One that hangs up is tried again and again, one that says nothing is waited for.
                for _ in range(3 if talks else 1):
                    connection, _ = listener.accept()
                    self.addCleanup(connection.close)
                    if talks:
                        connection.close()
                self.assertEqual(child.stop(number, seconds=SLOW), 0)
                self.assertIn("stopped while it started", child.stderr.all()[-1])

    def test_a_name_that_no_stream_can_have_is_bad_usage(self):
        for stream in ("a.b:1", "a b:1", "a:2"):
            outcome = self.run_to_end("blocky-consumer", "--sink", f"nats:nats://a#{SUBJECT}",
                                      "--nats-create", stream)
            self.assertEqual(outcome.code, 2, outcome)
            self.assertIn("--nats-create", outcome.error_lines[-1])
            self.assertIn("1, 3 or 5 replicas", outcome.error_lines[-1])

    def test_servers_that_are_not_there_are_waited_for_and_then_named(self):
        cluster = self.cluster()
        start = time.monotonic()
        target = cluster.sink(SUBJECT).replace("nats://", "nats://me:secret@")
        line = self.refused_start("--sink", target, seconds=40 * SLOW)
        self.assertGreater(time.monotonic() - start, 14)
        self.assertIn(cluster.urls, line)
        self.assertNotIn("secret", line)
        self.assertNotIn(".c:", line)

    def test_a_stream_is_made_while_the_cluster_still_elects(self):
        cluster = self.cluster(3)
        cluster.start(wait=False)
        consumer = self.keep(Consumer("--linger", "10ms", "--sink", cluster.sink(SUBJECT),
                                      "--nats-create", f"{STREAM}:3"))
        consumer.stderr.wait_for_line(lambda l: "listening on" in l, LONG)
        info = cluster.stream_info(STREAM)
        config = info["config"]
        self.assertEqual(config["subjects"], [SUBJECT])
        self.assertEqual(config["num_replicas"], 3)
        self.assertEqual(config["storage"], "file")
        self.assertEqual(config["duplicate_window"], 3600 * 10**9)
        self.assertEqual(self.req(consumer.endpoint).ask({"value": 1})["status"], "ok")
        lines = consumer.stderr.all()
        self.assertTrue(any("its duplicate window is 60.0 m" in line for line in lines), lines)
        self.assertFalse([line for line in lines if " warning " in line], lines)
        self.assertEqual(consumer.stop(), 0)
        again = self.sinking(cluster, "--nats-create", f"{STREAM}:3")
        self.assertEqual(self.req(again.endpoint).ask({"value": 1})["status"], "ok")

    def test_a_short_duplicate_window_is_warned_of(self):
        consumer = self.sinking(self.streaming(duplicate_window=120))
        line = consumer.stderr.wait_for_line(lambda l: " warning " in l)
        self.assertIn("forgets an id after 2", line)

    def test_what_is_no_target_is_bad_usage_and_shows_no_password(self):
        for target in ("nats:", "nats://me:secret@a", "nats:nats://me:secret@a#x.*"):
            outcome = self.run_to_end("blocky-consumer", "--sink", target)
            self.assertEqual(outcome.code, 2, outcome)
            self.assertIn("nats:URL[,URL…]#SUBJECT", outcome.stderr)
        self.assertNotIn("secret", outcome.stderr)


class Outages(NatsCase):

    def started_loads(self, consumer, count):
        producers = self.loads(consumer, count)
        for producer in producers:
            producer.wait_replies(count // 10, LONG)
        return producers

    def test_the_loss_of_one_node_of_three_costs_nobody_an_error(self):
        cluster = self.streaming(3, duplicate_window=3600)
        consumer = self.sinking(cluster)
        count = scaled(20000)
        producers = self.started_loads(consumer, count)
        cluster.kill(cluster.leader(STREAM))
        self.assert_all_acknowledged(producers, count)
        self.assert_once(cluster, len(producers), count)
        failures = [line for line in consumer.stderr.all() if "the sink fails" in line]
        self.assertLessEqual(len(failures), 3, failures)

    def test_without_a_majority_producers_are_held_until_it_is_back(self):
        cluster = self.streaming(3, duplicate_window=3600)
        consumer = self.sinking(cluster)
        count = scaled(20000)
        producers = self.started_loads(consumer, count)
        leader = cluster.leader(STREAM)
        others = [i for i in range(3) if i != leader]
        for node in (leader, others[0]):
            cluster.kill(node)
        consumer.stderr.wait_for_line(lambda l: "the sink fails" in l, LONG)
        batches = len(consumer.filled())
        dealer = self.dealer(consumer.endpoint)
        tag = dealer.send({"value": 0, "producer": "p-x", "id": "held"})
        self.assertFalse(dealer.socket.poll(3000), "an answer without a majority")
        self.assertEqual(len(consumer.filled()), batches)
        for node in (leader, others[0]):
            cluster.start_node(node)
        self.assert_all_acknowledged(producers, count)
        self.assertEqual(dealer.reply(tag, LONG)["status"], "ok")
        cluster.wait_ready()
        messages = cluster.full(STREAM)
        ids = [headers["Nats-Msg-Id"] for headers, _ in messages]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(len(ids), len(producers) * count + 1)
        self.assertTrue(any("the sink works again" in line for line in consumer.stderr.all()))

    def test_a_server_that_is_restarted_holds_the_producers_meanwhile(self):
        cluster = self.streaming()
        consumer = self.sinking(cluster)
        count = scaled(20000)
        producers = self.started_loads(consumer, count)
        cluster.kill(0)
        consumer.stderr.wait_for_line(lambda l: "the sink fails" in l, LONG)
        cluster.start_node(0)
        self.assert_all_acknowledged(producers, count)
        self.assert_once(cluster, len(producers), count)

    def test_after_an_outage_longer_than_the_window_nothing_is_stored_twice(self):
        window = 4.0
        cluster = self.streaming(duplicate_window=window)
        proxy = OneWayProxy(cluster.ports[0])
        self.addCleanup(proxy.close)
        consumer = self.lingering_consumer(
            "10ms", "--sink", f"nats:nats://127.0.0.1:{proxy.port}#{SUBJECT}")
        dealer = self.dealer(consumer.endpoint)
        self.assertEqual(dealer.ask({"value": 0, "id": "before"})["status"], "ok")
        proxy.swallow_answers()
        tag = dealer.send({"messages": [{"value": n, "id": f"id-{n}"} for n in range(50)]})
        consumer.stderr.wait_for_line(lambda l: "the sink fails" in l, LONG)
        stored = len(cluster.messages(STREAM))
        self.assertGreater(stored, 1, "all that was published got lost: the test shows nothing")
        self.wait_until_forgotten(cluster, window)
        # More than one part of what is read back, with what is not the sink's subject between.
        with cluster.client() as client:
            for n in range(3000):
                client.publish(SUBJECT if n % 3 else f"{SUBJECT}.else", b"1", "nobody.listens")
            client.request("$JS.API.INFO")  # answered behind them
        proxy.let_through()
        reply = dealer.reply(tag, LONG)
        self.assertEqual((reply["status"], reply["count"]), ("ok", 50))
        ids = [message_id for message_id, _ in cluster.messages(STREAM) if message_id]
        self.assertEqual(sorted(ids), sorted(["before", *(f"id-{n}" for n in range(50))]))
        consumer.stderr.wait_for_line(lambda l: "were in it already" in l)

    def wait_until_forgotten(self, cluster, window):
        """Until the servers take an id anew that was stored now, when all before was forgotten."""
        config = cluster.stream_info(STREAM)["config"]
        self.assertEqual(config["duplicate_window"], window * 1e9)
        subject = f"{SUBJECT}.probe"  # the same stream and window, not the sink's subject
        message = (b"NATS/1.0\r\nNats-Msg-Id: probe\r\n\r\n", b"")
        with cluster.client() as client:

            def is_new():
                ack = json.loads(client.publish_with_headers(subject, *message))
                return not ack.get("duplicate")

            is_new()
            poll_until(is_new, LONG, lambda: "the end of the window", pace=0.1)
        cluster.ask(lambda c: c.api(f"STREAM.PURGE.{STREAM}", filter=subject))


if __name__ == "__main__":
    main()
