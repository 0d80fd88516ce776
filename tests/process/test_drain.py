"""A consumer that answers and ends at once: its last replies count.

ZeroMQ drops a reply that has come but was not read yet when the connection ends, if ZMQ_IMMEDIATE
is set; the producer then says that a message was not acknowledged although it was processed.
"""

import unittest

import zmq

from support.case import BlockyCase
from support.strict_json import strict_json


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


if __name__ == "__main__":
    unittest.main()
