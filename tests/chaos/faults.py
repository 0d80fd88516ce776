"""What chaos does: each fault begins, lasts for a while and is taken back. Which one comes when, and
whom it strikes, is drawn from one seeded source, so a seed is a plan; what it meets is up to the
machine.
"""

import signal
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A kind of fault, how often it comes compared to others, and how it is done."""

    name: str
    weight: int
    inflict: object  # called with the World and a random.Random; ends when the fault is over


def _pause(world, random, longest):
    """Lets the fault last; the one thing here that waits for time and not for a condition."""
    time.sleep(random.uniform(0.05, longest) * world.time_scale)


def kill_producer(world, random):
    random.choice(world.feeders).restart(signal.SIGKILL)


def restart_producer(world, random):
    random.choice(world.feeders).restart(signal.SIGTERM)


def stop_producer(world, random):
    process = random.choice(world.feeders).process
    process.send_signal(signal.SIGSTOP)
    _pause(world, random, 3.0)
    process.send_signal(signal.SIGCONT)


def kill_consumer(world, random):
    world.consumer.end(signal.SIGKILL)
    _pause(world, random, 1.0)
    world.consumer.start()


def restart_consumer(world, random):
    world.consumer.end(signal.SIGTERM)
    _pause(world, random, 0.5)
    world.consumer.start()


def stop_consumer(world, random):
    world.consumer.process.send_signal(signal.SIGSTOP)
    _pause(world, random, 4.0)
    world.consumer.process.send_signal(signal.SIGCONT)


def cut_one(world, random):
    world.proxy.cut(0.0, random)


def cut_many(world, random):
    world.proxy.cut(random.choice((0.3, 1.0)), random)


def delay(world, random):
    world.proxy.delay(random.uniform(0.01, 0.4))
    _pause(world, random, 3.0)
    world.proxy.delay(0)


def swallow_replies(world, random):
    world.proxy.swallow("replies")
    _pause(world, random, 3.0)
    world.proxy.swallow(None)


def swallow_requests(world, random):
    world.proxy.swallow("requests")
    _pause(world, random, 3.0)
    world.proxy.swallow(None)


def break_sink(world, random):
    world.sink.break_it(world.consumer)
    _pause(world, random, 2.0)
    world.sink.mend_it()


def kill_consumer_with_broken_sink(world, random):
    world.sink.break_it(world.consumer)
    _pause(world, random, 1.0)
    world.consumer.end(signal.SIGKILL)
    world.sink.mend_it()
    world.consumer.start()


FAULTS = (
    Fault("kill -9 a producer", 6, kill_producer),
    Fault("stop a producer in order", 2, restart_producer),
    Fault("SIGSTOP a producer", 3, stop_producer),
    Fault("kill -9 the consumer", 5, kill_consumer),
    Fault("restart the consumer in order", 2, restart_consumer),
    Fault("SIGSTOP the consumer", 2, stop_consumer),
    Fault("cut a connection", 4, cut_one),
    Fault("cut many connections", 3, cut_many),
    Fault("delay all data", 2, delay),
    Fault("swallow the replies", 2, swallow_replies),
    Fault("swallow the requests", 2, swallow_requests),
    Fault("break the sink", 3, break_sink),
    Fault("kill -9 the consumer, its sink broken", 2, kill_consumer_with_broken_sink),
)


def draw(random):
    """The next fault."""
    return random.choices(FAULTS, [fault.weight for fault in FAULTS])[0]
