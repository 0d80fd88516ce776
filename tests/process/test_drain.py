"""A consumer that answers and ends: its last replies count, under load too.

ZeroMQ drops a reply that has come but was not read yet when the connection ends, if ZMQ_IMMEDIATE
is set; the producer then says that a message was not acknowledged although it was processed.
"""

import shlex
import signal
import sys
import time
import unittest

import zmq

from support.case import BlockyCase
from support.settings import DEADLINE, SLOW, scaled
from support.strict_json import strict_json

# Takes 200 ms for each batch, and keeps the ids of all that it has answered.
SLOW_SINK = """
import json, sys, time
with open(sys.argv[1], "a", encoding="utf-8") as kept:
    for line in sys.stdin:
        messages = json.loads(line)["messages"]
        time.sleep(0.2)
        kept.writelines(m["id"] + "\\n" for m in messages)
        kept.flush()
        print(json.dumps({"results": [{"ok": True}] * len(messages)}), flush=True)
"""


class LastReplies(BlockyCase):

    def setUp(self):
        super().setUp()
        self.endpoint = f"ipc://{self.directory}/consumer"
        self.last_context = zmq.Context()
        self.addCleanup(self.last_context.destroy, linger=0)

    def answer_all_and_end(self, count):
        """Plays a consumer that holds so many, answers them all, and is gone."""
        router = self.last_context.socket(zmq.ROUTER)
        router.bind(self.endpoint)
        held = []
        while len(held) < count:
            self.assertTrue(router.poll(15_000), f"{len(held)} of {count} messages came")
            held.append(router.recv_multipart())
        for *envelope, body in held:
            id_ = strict_json(body.decode())["id"]
            router.send_multipart([*envelope, b'{"status":"ok","id":"%s"}' % id_.encode()])
        self.last_context.destroy(linger=15_000)

    def test_a_reply_just_before_the_end_of_the_consumer_is_an_acknowledgement(self):
        producers = [self.producer(self.endpoint, "--count", "1") for _ in range(20)]
        self.answer_all_and_end(len(producers))
        self.assertEqual([producer.wait() for producer in producers], [0] * len(producers))


class Load:
    """Clients that push again with each reply they get: those with one message in flight, and
    those with many."""

    def __init__(self, context, endpoint, lock_step, pipelined, window):
        self.open = set()  # ids that have no reply
        self.replies = {}  # status or code, by id
        self._count = 0
        self._clients = []
        self._poller = zmq.Poller()
        for number in range(lock_step + pipelined):
            client = context.socket(zmq.DEALER)
            client.linger = 0
            client.connect(endpoint)
            self._clients.append(client)
            self._poller.register(client, zmq.POLLIN)
            for _ in range(1 if number < lock_step else window):
                self._push(client)

    def close(self):
        for client in self._clients:
            client.close()

    def _push(self, client):
        self._count += 1
        id_ = f"m{self._count}"
        client.send_multipart([b"", b'{"value":1,"id":"%s"}' % id_.encode()])
        self.open.add(id_)

    def turn(self, push=True):
        """Takes what has come within 10 ms, at most one reply of each client; whether any has."""
        ready = self._poller.poll(10)
        for client, _ in ready:
            reply = strict_json(client.recv_multipart()[1].decode())
            self.open.remove(reply["id"])
            self.replies[reply["id"]] = reply.get("code", reply["status"])
            if push:
                self._push(client)
        return bool(ready)


class EndUnderLoad(BlockyCase):

    def test_what_was_on_its_way_when_the_signal_came_is_answered_too(self):
        consumer = self.consumer("--interval", "10m")
        dealers = [self.dealer(consumer.endpoint) for _ in range(3)]
        for dealer in dealers:
            dealer.sync()
        consumer.pause()
        tags = [dealer.send_all([{"value": 1}] * scaled(5000)) for dealer in dealers]
        consumer.send_signal(signal.SIGTERM)
        consumer.resume()
        for dealer, own in zip(dealers, tags):
            said = {reply.get("code", reply["status"]) for reply in dealer.replies(own)}
            self.assertLessEqual(said, {"ok", "shutting_down"})
        self.assertEqual(consumer.wait(), 0)

    def test_everyone_is_answered_and_the_end_takes_less_than_a_second_beside_the_sink(self):
        kept = self.directory / "kept"
        command = shlex.join([sys.executable, "-c", SLOW_SINK, str(kept)])
        consumer = self.consumer("--interval", "100ms", "--sink", f"exec:{command}")
        load = Load(self.context, consumer.endpoint, lock_step=100, pipelined=10,
                    window=scaled(500))
        self.addCleanup(load.close)
        end = time.monotonic() + DEADLINE
        while len(consumer.filled()) < 4 or len(load.replies) < scaled(5000):
            load.turn()
            self.assertLess(time.monotonic(), end, "the load does not get going")
        held = set(load.open)
        before = len(consumer.batches())
        start = time.monotonic()
        consumer.send_signal(signal.SIGTERM)
        while not consumer.ended():
            load.turn()
        took = time.monotonic() - start
        while load.turn(push=False):
            pass
        self.assertEqual(consumer.wait(), 0)
        self.assertGreater(len(held), scaled(5000))
        self.assertEqual(held - set(load.replies), set())
        self.assertLessEqual(set(load.replies.values()), {"ok", "shutting_down"})
        stored = kept.read_text().split()
        self.assertEqual(len(stored), len(set(stored)))
        self.assertEqual(set(stored),
                         {id_ for id_, said in load.replies.items() if said == "ok"})
        in_sink = sum(batch["process_ms"] for batch in consumer.batches()[before:]) / 1000
        self.assertLess(took - in_sink, SLOW, f"{took:.2f} s, of which the sink took {in_sink:.2f}")


if __name__ == "__main__":
    unittest.main()
