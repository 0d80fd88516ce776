"""Many producers, all held: the consumer's memory for each, and how long their release takes."""

import math
import subprocess
import time
from dataclasses import dataclass

from contest import PATIENCE, Children, start_consumer

MOST_PER_PROCESS = 2500  # each client has two descriptors


@dataclass
class Held:
    """What one round with one consumer gave."""

    connected_s: float  # from the start of the clients until the last one is connected
    kib_per_producer: float
    release_ms: float  # from the first reply to the last, as the clients see it
    trigger_ms: float  # from the message that closes the batch to the first reply


def options_of(kind, count):
    if kind == "bare":
        return ("--items", str(count))
    return (f"--barrier={count}", "--interval", "24h", "--max-items", "1000000")


def settled_kib(consumer):
    """Its resident set, once that has been the same for a second."""
    history = []
    deadline = time.monotonic() + PATIENCE
    while len(history) < 10 or max(history[-10:]) - min(history[-10:]) > 64:
        if time.monotonic() > deadline:
            raise SystemExit("the consumer's memory does not come to rest")
        time.sleep(0.1)
        history.append(consumer.resident_kib())
    return history[-1]


def go(client):
    client.stdin.write("\n")
    client.stdin.flush()


def start_clients(children, endpoint, count):
    """Evenly over as few processes as possible."""
    processes = math.ceil(count / MOST_PER_PROCESS)
    shares = [count // processes + (i < count % processes) for i in range(processes)]
    return [children.start("held_clients", "--connect", endpoint, "--count", str(share),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for share in shares]


def release(clients):
    """The times (ns) of the message that closed the batch, of the first reply and of the last."""
    for client in clients:
        go(client)
        client.stdout.readline()  # settled
    for client in clients:
        go(client)
    times = [tuple(map(int, client.stdout.readline().split())) for client in clients]
    sent, first, last = zip(*times)
    return max(sent), min(first), max(last)


def run(kind, count, settings):
    with Children(settings.programs) as children:
        consumer = start_consumer(children, kind, options_of(kind, count), settings.cpus)
        before = settled_kib(consumer)
        start = time.monotonic()
        clients = start_clients(children, consumer.endpoint, count)
        for client in clients:
            client.stdout.readline()  # held
        consumer.wait_connections(count)
        connected = time.monotonic() - start
        growth = settled_kib(consumer) - before
        sent, first, last = release(clients)
        children.kill(clients)
        consumer.stop()
    return Held(connected, growth / count, (last - first) / 1e6, (first - sent) / 1e6)
