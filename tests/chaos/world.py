"""All that chaos happens to: a consumer that is started again when it ends, the proxy in front of it,
producers with their ledger, and the sink.
"""

import contextlib
import os
import signal
import socket
import subprocess

from chaos.feeder import Feeder
from chaos.proxy import Proxy
from support.child import program, spawn
from support.polling import poll_until
from support.settings import child_environment

PIPELINED_ONE_IN = 4
IN_FLIGHT = 32


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class SupervisedConsumer:
    """A consumer on a port of its own. One that ends by itself is started again, and counted, by
    tend(): from the one thread that starts all children, for they die with the thread.
    """

    def __init__(self, port, options, errors):
        self.port = port
        self.ended_by_itself = []  # exit codes
        self._argv = [program("blocky-consumer"), "--bind", f"tcp://127.0.0.1:{port}", "--linger",
                      "2ms", "--log", "json", *options]
        self._errors = errors
        self.start()

    def start(self):
        self.process = spawn(self._argv, env=child_environment(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=self._errors)

    def tend(self):
        code = self.process.poll()
        if code is not None:
            self.ended_by_itself.append(code)
            self.start()

    def end(self, number):
        """By this signal; its exit code."""
        self.process.send_signal(number)
        return self.process.wait()

    def send_signal(self, number):
        self.process.send_signal(number)


class World:
    """`sink` is one of support.sinks' adapters. time_scale stretches how long faults last."""

    def __init__(self, directory, sink, producers, rate, time_scale=1.0):
        self.sink = sink
        self.time_scale = time_scale
        self._errors = open(os.path.join(directory, "stderr"), "ab")
        self.consumer = SupervisedConsumer(free_port(), sink.options, self._errors)
        self.proxy = Proxy(self.consumer.port)
        self.feeders = [Feeder(f"p{i}", self.proxy.port, self._window(i), rate, self._errors)
                        for i in range(producers)]

    @staticmethod
    def _window(number):
        return IN_FLIGHT if number % PIPELINED_ONE_IN == PIPELINED_ONE_IN - 1 else 1

    def acknowledged(self):
        return sum(len(feeder.acknowledged) for feeder in self.feeders)

    def settle(self, seconds):
        """No faults any more: waits until every message is acknowledged, and ends all in order. What
        did not go well, in words."""
        for feeder in self.feeders:
            feeder.stop_feeding()
        poll_until(self._all_acknowledged, seconds,
                   lambda: f"an acknowledgement of {self._unacknowledged()} messages")
        problems = [f"{feeder.name}: {line}" for feeder in self.feeders
                    for line in feeder.problems]
        codes = [feeder.end() for feeder in self.feeders]
        problems += [f"a producer ended with {code}" for code in codes if code != 0]
        code = self.consumer.end(signal.SIGTERM)
        problems += [f"the consumer ended with {code}"] if code != 0 else []
        return problems

    def _unacknowledged(self):
        return sum(feeder.unacknowledged() for feeder in self.feeders)

    def _all_acknowledged(self):
        self.consumer.tend()
        return self._unacknowledged() == 0

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            self.consumer.end(signal.SIGKILL)
        for feeder in self.feeders:
            feeder.process.kill()
        self.proxy.close()
        self._errors.close()
